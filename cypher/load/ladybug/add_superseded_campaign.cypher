// purpose: keep replaced versions of interactions with a Campaign
// parameters: rows: interactions
// columns: none
UNWIND $rows AS row
MATCH (c:Customer {id: row.customer})
WITH c, row
MATCH (t:Campaign {id: row.target})
CREATE (c)-[:SUPERSEDED {id: row.id, at: row.at, known_at: row.known_at, quantity: row.quantity, amount: row.amount, discount: row.discount, order_id: row.order_id, channel: row.channel, rating: row.rating, treatment: row.treatment, load: row.load, type: row.type, superseded_at: row.superseded_at}]->(t)
