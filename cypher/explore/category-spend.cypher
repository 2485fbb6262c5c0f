// purpose: what a customer spends by category
// parameters: customer: text; limit: integer = 20
// columns: category, lines, amount
MATCH (c:Customer {id: $customer})-[r:PURCHASED]->(:Product)-[:IN_CATEGORY]->(k:Category)
RETURN k.id AS category, count(r) AS lines, sum(r.amount) AS amount
ORDER BY amount DESC, category LIMIT $limit
