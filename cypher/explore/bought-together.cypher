// purpose: products most often bought by the buyers of one product
// parameters: product: text; limit: integer = 20
// columns: product, buyers
MATCH (:Product {id: $product})<-[:PURCHASED]-(c:Customer)
WITH DISTINCT c
MATCH (c)-[:PURCHASED]->(other:Product)
WHERE other.id <> $product AND other.id <> '__no_product__'
RETURN other.id AS product, count(DISTINCT c) AS buyers
ORDER BY buyers DESC, product LIMIT $limit
