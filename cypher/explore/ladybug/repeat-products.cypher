// purpose: products bought again and again, and after how long
// subject: products
// parameters: min_buyers: integer = 50; limit: integer = 20
// parameter min_buyers: customers who must have bought it more than once
// parameter limit: rows at most
// columns: product, buyers, repeat_buyers, repeat_rate, median_gap_days
// column repeat_buyers: customers who bought it at more than one time
// column repeat_rate: their share of the buyers
// column median_gap_days: median over them of each one's mean number of days between two purchases of it
// example: habitue query repeat-products -p min_buyers=100
MATCH (c:Customer)-[r:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH c, p, count(DISTINCT r.at) AS times, min(r.at) AS first_at, max(r.at) AS last_at
WITH p, count(*) AS buyers, sum(CASE WHEN times > 1 THEN 1 ELSE 0 END) AS repeat_buyers,
  percentileCont(CASE WHEN times > 1 THEN (to_epoch_ms(last_at) - to_epoch_ms(first_at)) / 86400000.0 / (times - 1) END, 0.5) AS median_gap_days
WHERE repeat_buyers > 0 AND repeat_buyers >= $min_buyers
RETURN p.id AS product, buyers, repeat_buyers, 1.0 * repeat_buyers / buyers AS repeat_rate, median_gap_days
ORDER BY repeat_rate DESC, product LIMIT $limit
