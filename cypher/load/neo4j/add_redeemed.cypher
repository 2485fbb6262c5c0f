// purpose: add REDEEMED interactions
// parameters: the columns of the interactions, lists of equal length (empty: without any value), with `loads` for load, times in epoch milliseconds
// columns: none
UNWIND range(0, size($id) - 1) AS i
MATCH (c:Customer {id: $customer[i]})
MATCH (t:Campaign {id: $target[i]})
CREATE (c)-[:REDEEMED {id: $id[i], at: localdatetime('1970-01-01T00:00:00') + duration({seconds: $at[i] / 1000, milliseconds: $at[i] % 1000}), known_at: CASE WHEN $known_at[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $known_at[i] / 1000, milliseconds: $known_at[i] % 1000}) END, quantity: $quantity[i], amount: $amount[i], discount: $discount[i], order_id: $order_id[i], channel: $channel[i], rating: $rating[i], treatment: $treatment[i], load: $loads[i]}]->(t)
