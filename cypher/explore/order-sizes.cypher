// purpose: how many orders hold one product, two, and so on, and what they cost
// subject: time and orders
// parameters: limit: integer = 200
// parameter limit: rows at most
// columns: products, orders, mean_amount
// column products: different products in the order
// column orders: orders of that size; lines without an order_id or a product are left out
// column mean_amount: mean money of such an order
// example: habitue query order-sizes -p limit=30
MATCH (:Customer)-[r:PURCHASED]->(p:Product)
WHERE r.order_id IS NOT NULL AND p.id <> '__no_product__'
WITH r.order_id AS order_id, count(DISTINCT p) AS products, sum(coalesce(r.amount, 0.0)) AS amount
RETURN products, count(order_id) AS orders, avg(amount) AS mean_amount
ORDER BY products LIMIT $limit
