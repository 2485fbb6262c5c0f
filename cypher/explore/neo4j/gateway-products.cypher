// purpose: products of first purchases, by how many of those customers came again soon
// subject: products
// parameters: days: integer = 30; min_buyers: integer = 20; limit: integer = 20
// parameter days: how soon after the first purchase
// parameter min_buyers: customers whose first purchase must hold the product
// parameter limit: rows at most
// columns: product, first_buyers, returned, return_rate
// column first_buyers: customers who began with it, at least so many days before the last purchase of all
// column returned: those of them with another purchase within the days
// column return_rate: their share
// example: habitue query gateway-products -p days=7
MATCH (:Customer)-[r:PURCHASED]->(:Product)
WITH max(r.at) AS until
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH until, c, min(r.at) AS first_at
WHERE first_at + duration({days: $days}) <= until
MATCH (c)-[r:PURCHASED]->(:Product)
WITH c, first_at, min(CASE WHEN r.at > first_at THEN r.at END) AS second_at
MATCH (c)-[r:PURCHASED]->(p:Product)
WHERE r.at = first_at AND p.id <> '__no_product__'
WITH DISTINCT p.id AS product, c.id AS customer, CASE WHEN second_at <= first_at + duration({days: $days}) THEN 1 ELSE 0 END AS again
WITH product, count(customer) AS first_buyers, sum(again) AS returned
WHERE first_buyers >= $min_buyers
RETURN product, first_buyers, returned, 1.0 * returned / first_buyers AS return_rate
ORDER BY return_rate DESC, first_buyers DESC, product LIMIT $limit
