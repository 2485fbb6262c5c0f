// purpose: give PURCHASED interactions that keep their ends new values, in place
// parameters: rows: interactions, with times in epoch milliseconds
// columns: id
UNWIND $rows AS row
MATCH (c:Customer)-[r:PURCHASED {id: row.id}]->(t:Product)
WHERE c.id = row.customer AND t.id = row.target
SET r.at = localdatetime({datetime: datetime({epochMillis: row.at})}), r.known_at = CASE WHEN row.known_at IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.known_at})}) END, r.quantity = row.quantity, r.amount = row.amount, r.discount = row.discount, r.order_id = row.order_id, r.channel = row.channel, r.rating = row.rating, r.treatment = row.treatment, r.load = row.load
RETURN row.id AS id
