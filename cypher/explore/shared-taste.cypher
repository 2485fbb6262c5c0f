// purpose: customers who bought most of the same products as one customer
// parameters: customer: text; limit: integer = 20
// columns: customer, shared_products
MATCH (c:Customer {id: $customer})-[:PURCHASED]->(p:Product)<-[:PURCHASED]-(other:Customer)
WHERE other.id <> c.id AND p.id <> '__no_product__'
RETURN other.id AS customer, count(DISTINCT p) AS shared_products
ORDER BY shared_products DESC, customer LIMIT $limit
