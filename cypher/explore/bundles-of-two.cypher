// purpose: the pairs of products found most often in one order
// subject: products
// parameters: min_orders: integer = 500; limit: integer = 20
// parameter min_orders: orders that must hold both; the lower, the longer it takes
// parameter limit: rows at most
// columns: product, other_product, orders, support, lift
// column orders: orders that hold both; lines without an order_id are left out
// column support: their share of all orders
// column lift: how many times more often together than if the two were independent
// example: habitue query bundles-of-two -p min_orders=500
MATCH (:Customer)-[r:PURCHASED]->(:Product)
WITH count(DISTINCT r.order_id) AS all_orders
MATCH (p:Product)<-[r:PURCHASED]-(:Customer)
WHERE p.id <> '__no_product__'
WITH all_orders, p, count(DISTINCT r.order_id) AS orders_of
WHERE orders_of >= $min_orders
MATCH (p)<-[r:PURCHASED]-(:Customer)
WHERE r.order_id IS NOT NULL
WITH all_orders, r.order_id AS order_id, collect(DISTINCT {id: p.id, orders: orders_of}) AS products
UNWIND products AS a
UNWIND products AS b
WITH all_orders, a.id AS product, b.id AS other_product, a.orders AS product_orders, b.orders AS other_orders
WHERE product < other_product
WITH all_orders, product, other_product, product_orders, other_orders, count(*) AS orders
WHERE orders >= $min_orders
RETURN product, other_product, orders, 1.0 * orders / all_orders AS support,
  1.0 * orders * all_orders / (product_orders * other_orders) AS lift
ORDER BY orders DESC, product, other_product LIMIT $limit
