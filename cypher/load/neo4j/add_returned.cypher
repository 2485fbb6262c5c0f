// purpose: add RETURNED interactions
// parameters: rows: interactions, with times in epoch milliseconds
// columns: none
UNWIND $rows AS row
MATCH (c:Customer {id: row.customer})
MATCH (t:Product {id: row.target})
CREATE (c)-[:RETURNED {id: row.id, at: localdatetime({datetime: datetime({epochMillis: row.at})}), known_at: CASE WHEN row.known_at IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.known_at})}) END, quantity: row.quantity, amount: row.amount, discount: row.discount, order_id: row.order_id, channel: row.channel, rating: row.rating, treatment: row.treatment, load: row.load}]->(t)
