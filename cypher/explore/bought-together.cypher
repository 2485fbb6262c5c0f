// purpose: products that the buyers of one product also buy, at any time, by how much more often than everybody
// subject: products
// parameters: product: text; min_buyers: integer = 20; limit: integer = 20
// parameter product: id of the product
// parameter min_buyers: customers who must have bought both
// parameter limit: rows at most
// columns: product, buyers, support, confidence, lift
// column buyers: customers who bought both
// column support: their share of all customers with a purchase
// column confidence: their share of the product's buyers
// column lift: confidence over the other product's share of all customers; 1 is chance
// example: habitue query bought-together -p product=1082185 -p min_buyers=50
MATCH (c:Customer)
WHERE EXISTS { MATCH (c)-[:PURCHASED]->(:Product) }
WITH count(c) AS customers
MATCH (:Product {id: $product})<-[:PURCHASED]-(c:Customer)
WITH customers, count(DISTINCT c) AS own_buyers
MATCH (:Product {id: $product})<-[:PURCHASED]-(c:Customer)
WITH DISTINCT customers, own_buyers, c
MATCH (c)-[:PURCHASED]->(other:Product)
WHERE other.id <> $product AND other.id <> '__no_product__'
WITH customers, own_buyers, other, count(DISTINCT c) AS buyers
WHERE buyers >= $min_buyers
MATCH (other)<-[:PURCHASED]-(c:Customer)
WITH customers, own_buyers, other, buyers, count(DISTINCT c) AS other_buyers
RETURN other.id AS product, buyers, 1.0 * buyers / customers AS support, 1.0 * buyers / own_buyers AS confidence,
  1.0 * buyers * customers / (own_buyers * other_buyers) AS lift
ORDER BY lift DESC, product LIMIT $limit
