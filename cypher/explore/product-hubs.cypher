// purpose: the products that most customers share
// subject: products
// parameters: limit: integer = 20
// parameter limit: rows at most
// columns: product, name, category, customers, lines, amount
// column customers: customers who bought it
// column lines: purchase lines
// column amount: money spent on it
// example: habitue query product-hubs -p limit=10
MATCH (c:Customer)-[r:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH p, count(DISTINCT c) AS customers, count(r) AS lines, sum(coalesce(r.amount, 0.0)) AS amount
ORDER BY customers DESC, p.id LIMIT $limit
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
RETURN p.id AS product, p.name AS name, k.id AS category, customers, lines, amount
ORDER BY customers DESC, product
