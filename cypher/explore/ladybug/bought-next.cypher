// purpose: products that the buyers of one product buy for the first time soon after it
// subject: products
// parameters: product: text; days: integer = 30; min_buyers: integer = 10; limit: integer = 20
// parameter product: id of the product
// parameter days: how soon after the customer's first purchase of it
// parameter min_buyers: customers who must have done so
// parameter limit: rows at most
// columns: product, buyers, share
// column buyers: customers whose first purchase of it falls within those days
// column share: their share of the first product's buyers
// example: habitue query bought-next -p product=1082185 -p days=14
MATCH (:Product {id: $product})<-[r:PURCHASED]-(c:Customer)
WITH count(DISTINCT c) AS own_buyers
MATCH (:Product {id: $product})<-[r:PURCHASED]-(c:Customer)
WITH own_buyers, c, min(r.at) AS start_at
MATCH (c)-[s:PURCHASED]->(p:Product)
WHERE p.id <> $product AND p.id <> '__no_product__'
WITH own_buyers, c, start_at, p.id AS product, min(s.at) AS next_at
WHERE next_at > start_at AND next_at <= start_at + to_days(CAST($days AS INT64))
WITH own_buyers, product, count(c) AS buyers
WHERE buyers >= $min_buyers
RETURN product, buyers, 1.0 * buyers / own_buyers AS share
ORDER BY buyers DESC, product LIMIT $limit
