// purpose: customers like one customer by their properties, then by what they buy
// subject: one customer
// parameters: customer: text; limit: integer = 20
// parameter customer: id of the customer
// parameter limit: rows at most
// columns: customer, shared_values, shared_products, jaccard
// column shared_values: property values that both have, or once had, at least one
// column shared_products: products that both bought, at least one
// column jaccard: shared products over the products that either bought, 0 to 1
// example: habitue query households-like-this-one -p customer=1228
MATCH (:Customer {id: $customer})-[:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH DISTINCT p
MATCH (p)<-[:PURCHASED]-(other:Customer)
WITH other, count(DISTINCT p) AS shared
MATCH (other)-[:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH other, shared, count(DISTINCT p) AS products
MATCH (other)-[:HAS_PROPERTY]->(v:PropertyValue)
WITH DISTINCT v.id AS value, other.id AS holder, shared, products
WITH value, max(CASE WHEN holder = $customer THEN shared ELSE 0 END) AS own_products,
  collect({customer: holder, shared: shared, products: products}) AS rows
WHERE own_products > 0
UNWIND rows AS row
WITH own_products, row.customer AS customer, row.shared AS shared_products, row.products AS other_products,
  count(*) AS shared_values
WHERE customer <> $customer
RETURN customer, shared_values, shared_products,
  1.0 * shared_products / (own_products + other_products - shared_products) AS jaccard
ORDER BY shared_values DESC, jaccard DESC, customer LIMIT $limit
