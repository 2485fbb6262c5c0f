// purpose: customers who buy the same products as one customer
// subject: one customer
// parameters: customer: text; min_shared: integer = 3; limit: integer = 20
// parameter customer: id of the customer
// parameter min_shared: products that both must have bought
// parameter limit: rows at most
// columns: customer, shared_products, jaccard, cosine
// column shared_products: products that both bought
// column jaccard: shared products over the products that either bought, 0 to 1
// column cosine: shared products over the geometric mean of how many each bought, 0 to 1
// example: habitue query shared-taste -p customer=1228
MATCH (:Customer {id: $customer})-[:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH DISTINCT p
MATCH (p)<-[:PURCHASED]-(other:Customer)
WITH other, count(DISTINCT p) AS shared_products
WHERE shared_products >= $min_shared
MATCH (other)-[:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH other, shared_products, count(DISTINCT p) AS products
WITH max(shared_products) AS own_products, collect({customer: other.id, shared: shared_products, products: products}) AS rows
UNWIND rows AS row
WITH own_products, row.customer AS customer, row.shared AS shared_products, row.products AS other_products
WHERE customer <> $customer
RETURN customer, shared_products, 1.0 * shared_products / (own_products + other_products - shared_products) AS jaccard,
  shared_products / sqrt(1.0 * own_products * other_products) AS cosine
ORDER BY jaccard DESC, customer LIMIT $limit
