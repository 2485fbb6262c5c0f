// purpose: give VIEWED interactions that keep their ends new values in place, and keep the old ones aside
// parameters: the columns of the interactions, lists of equal length (empty: without any value), with `loads` for load, times in epoch milliseconds; load: that corrects
// columns: id
UNWIND range(0, size($id) - 1) AS i
MATCH (c:Customer)-[r:VIEWED {id: $id[i]}]->(t:Product)
WHERE c.id = $customer[i] AND t.id = $target[i]
CREATE (v:Replaced) SET v = properties(r), v.type = 'VIEWED', v.customer = c.id, v.target = t.id, v.until = $load
SET r.at = localdatetime('1970-01-01T00:00:00') + duration({seconds: $at[i] / 1000, milliseconds: $at[i] % 1000}), r.known_at = CASE WHEN $known_at[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $known_at[i] / 1000, milliseconds: $known_at[i] % 1000}) END, r.quantity = $quantity[i], r.amount = $amount[i], r.discount = $discount[i], r.order_id = $order_id[i], r.channel = $channel[i], r.rating = $rating[i], r.treatment = $treatment[i], r.load = $loads[i]
RETURN r.id AS id
