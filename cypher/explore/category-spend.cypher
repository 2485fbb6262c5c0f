// purpose: what a customer spends by category, and its share of all the customer spends
// subject: one customer
// parameters: customer: text; limit: integer = 20
// parameter customer: id of the customer
// parameter limit: rows at most
// columns: category, lines, amount, share
// column lines: purchase lines
// column amount: money spent
// column share: of all that the customer spent, on products with or without a category
// example: habitue query category-spend -p customer=1228
MATCH (:Customer {id: $customer})-[r:PURCHASED]->(:Product)
WITH sum(coalesce(r.amount, 0.0)) AS total
MATCH (:Customer {id: $customer})-[r:PURCHASED]->(:Product)-[:IN_CATEGORY]->(k:Category)
WITH total, k.id AS category, count(r) AS lines, sum(coalesce(r.amount, 0.0)) AS amount
RETURN category, lines, amount, CASE WHEN total > 0 THEN amount / total END AS share
ORDER BY amount DESC, category LIMIT $limit
