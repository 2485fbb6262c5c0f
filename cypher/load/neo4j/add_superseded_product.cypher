// purpose: keep replaced versions of interactions with a Product
// parameters: the columns of the interactions, lists of equal length (empty: without any value), with `loads` for load, times in epoch milliseconds; load: that replaced them
// columns: none
UNWIND range(0, size($id) - 1) AS i
MATCH (c:Customer {id: $customer[i]})
MATCH (t:Product {id: $target[i]})
CREATE (c)-[:SUPERSEDED {id: $id[i], at: localdatetime('1970-01-01T00:00:00') + duration({seconds: $at[i] / 1000, milliseconds: $at[i] % 1000}), known_at: CASE WHEN $known_at[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $known_at[i] / 1000, milliseconds: $known_at[i] % 1000}) END, quantity: $quantity[i], amount: $amount[i], discount: $discount[i], order_id: $order_id[i], channel: $channel[i], rating: $rating[i], treatment: $treatment[i], load: $loads[i], type: $type[i], superseded_at: CASE WHEN $superseded_at[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $superseded_at[i] / 1000, milliseconds: $superseded_at[i] % 1000}) END, by: $load}]->(t)
