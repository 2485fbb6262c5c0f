// purpose: products looked at, by how many of those who looked bought
// subject: products
// parameters: min_viewers: integer = 20; limit: integer = 20
// parameter min_viewers: customers who must have looked at the product
// parameter limit: rows at most
// columns: product, viewers, buyers, conversion
// column buyers: viewers who bought it at or after their first look
// column conversion: their share
// example: habitue query view-to-purchase -p min_viewers=5
MATCH (p:Product)<-[v:VIEWED]-(c:Customer)
WHERE p.id <> '__no_product__'
WITH p, c, min(v.at) AS seen_at
OPTIONAL MATCH (c)-[r:PURCHASED]->(p)
WITH p, c, max(CASE WHEN r.at >= seen_at THEN 1 ELSE 0 END) AS bought
WITH p.id AS product, count(c) AS viewers, sum(bought) AS buyers
WHERE viewers >= $min_viewers
RETURN product, viewers, buyers, 1.0 * buyers / viewers AS conversion
ORDER BY conversion, viewers DESC, product LIMIT $limit
