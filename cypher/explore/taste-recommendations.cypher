// purpose: products that the customers most like one customer buy, and that one does not
// subject: one customer
// parameters: customer: text; limit: integer = 20
// parameter customer: id of the customer
// parameter limit: rows at most
// columns: product, category, buyers, closest
// column buyers: how many of the similar customers bought it
// column closest: the highest similarity among them, at most 1
// example: habitue query taste-recommendations -p customer=1228
MATCH (c:Customer {id: $customer})-[s:SIMILAR_TO]->(other:Customer)-[:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH c, p, count(DISTINCT other) AS buyers, max(s.score) AS closest
WHERE NOT EXISTS { MATCH (c)-[:PURCHASED]->(p) }
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
RETURN p.id AS product, k.id AS category, buyers, closest
ORDER BY buyers DESC, closest DESC, product LIMIT $limit
