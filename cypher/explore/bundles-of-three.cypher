// purpose: the pairs of products found most often in one order with a given product
// subject: products
// parameters: product: text; min_orders: integer = 50; limit: integer = 20
// parameter product: id of the product
// parameter min_orders: orders that must hold all three
// parameter limit: rows at most
// columns: second_product, third_product, orders, confidence
// column orders: orders that hold all three; lines without an order_id are left out
// column confidence: their share of the product's orders
// example: habitue query bundles-of-three -p product=1082185 -p min_orders=200
MATCH (:Product {id: $product})<-[r:PURCHASED]-(:Customer)
WITH count(DISTINCT r.order_id) AS own_orders
MATCH (:Product {id: $product})<-[r:PURCHASED]-(c:Customer)
WHERE r.order_id IS NOT NULL
WITH own_orders, c, collect(DISTINCT r.order_id) AS order_ids
MATCH (c)-[s:PURCHASED]->(p:Product)
WHERE s.order_id IN order_ids AND p.id <> $product AND p.id <> '__no_product__'
WITH own_orders, p.id AS product, collect(DISTINCT s.order_id) AS orders_of
WHERE size(orders_of) >= $min_orders
UNWIND orders_of AS order_id
WITH own_orders, order_id, collect(product) AS products
UNWIND products AS second_product
UNWIND products AS third_product
WITH own_orders, second_product, third_product
WHERE second_product < third_product
WITH own_orders, second_product, third_product, count(*) AS orders
WHERE orders >= $min_orders
RETURN second_product, third_product, orders, 1.0 * orders / own_orders AS confidence
ORDER BY orders DESC, second_product, third_product LIMIT $limit
