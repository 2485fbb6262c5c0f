// purpose: who buys a product: its buyers by property, beside all customers
// subject: products
// parameters: product: text; min_buyers: integer = 5; limit: integer = 50
// parameter product: id of the product
// parameter min_buyers: buyers who must have the value
// parameter limit: rows at most
// columns: property, value, buyers, share, affinity_index
// column buyers: the product's buyers who have, or once had, the value
// column share: their share of the product's buyers
// column affinity_index: share over that of all customers with a purchase; above 1, the value is over-represented
// example: habitue query product-profile -p product=1082185
MATCH (c:Customer)
WHERE EXISTS { MATCH (c)-[:PURCHASED]->(:Product) }
WITH count(c) AS customers
MATCH (:Product {id: $product})<-[:PURCHASED]-(c:Customer)
WITH customers, count(DISTINCT c) AS own_buyers
MATCH (:Product {id: $product})<-[:PURCHASED]-(c:Customer)
WITH DISTINCT customers, own_buyers, c
MATCH (c)-[:HAS_PROPERTY]->(v:PropertyValue)
WITH customers, own_buyers, v, count(DISTINCT c) AS buyers
WHERE buyers >= $min_buyers
MATCH (v)<-[:HAS_PROPERTY]-(c:Customer)
WHERE EXISTS { MATCH (c)-[:PURCHASED]->(:Product) }
WITH customers, own_buyers, v, buyers, count(DISTINCT c) AS holders
RETURN v.name AS property, v.value AS value, buyers, 1.0 * buyers / own_buyers AS share,
  1.0 * buyers * customers / (own_buyers * holders) AS affinity_index
ORDER BY affinity_index DESC, property, value LIMIT $limit
