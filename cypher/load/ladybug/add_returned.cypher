// purpose: add RETURNED interactions
// parameters: rows: interactions
// columns: none
UNWIND $rows AS row
MATCH (c:Customer {id: row.customer})
WITH c, row
MATCH (t:Product {id: row.target})
CREATE (c)-[:RETURNED {id: row.id, at: row.at, known_at: row.known_at, quantity: row.quantity, amount: row.amount, discount: row.discount, order_id: row.order_id, channel: row.channel, rating: row.rating, treatment: row.treatment, load: row.load}]->(t)
