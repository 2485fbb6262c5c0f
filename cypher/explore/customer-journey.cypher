// purpose: everything a customer bought, newest first
// parameters: customer: text; limit: integer = 50
// columns: at, product, category, quantity, amount
MATCH (c:Customer {id: $customer})-[r:PURCHASED]->(p:Product)
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
RETURN r.at AS at, CASE WHEN p.id = '__no_product__' THEN NULL ELSE p.id END AS product, k.id AS category, r.quantity AS quantity, r.amount AS amount
ORDER BY at DESC, product LIMIT $limit
