// purpose: products that lie in the same orders as one product
// subject: products
// parameters: product: text; min_orders: integer = 10; limit: integer = 20
// parameter product: id of the product
// parameter min_orders: orders that must hold both
// parameter limit: rows at most
// columns: product, orders, confidence, lift
// column orders: orders that hold both; lines without an order_id are left out
// column confidence: their share of the product's orders
// column lift: confidence over the other product's share of all orders; 1 is chance
// example: habitue query ordered-together -p product=1082185 -p min_orders=100
MATCH (:Customer)-[r:PURCHASED]->(:Product)
WITH count(DISTINCT r.order_id) AS all_orders
MATCH (:Product {id: $product})<-[r:PURCHASED]-(:Customer)
WITH all_orders, count(DISTINCT r.order_id) AS own_orders
MATCH (:Product {id: $product})<-[r:PURCHASED]-(c:Customer)
WHERE r.order_id IS NOT NULL
WITH all_orders, own_orders, c, collect(DISTINCT r.order_id) AS order_ids
MATCH (c)-[s:PURCHASED]->(other:Product)
WHERE s.order_id IN order_ids AND other.id <> $product AND other.id <> '__no_product__'
WITH all_orders, own_orders, other, count(DISTINCT s.order_id) AS orders
WHERE orders >= $min_orders
MATCH (other)<-[r:PURCHASED]-(:Customer)
WITH all_orders, own_orders, other, orders, count(DISTINCT r.order_id) AS other_orders
RETURN other.id AS product, orders, 1.0 * orders / own_orders AS confidence,
  1.0 * orders * all_orders / (own_orders * other_orders) AS lift
ORDER BY lift DESC, product LIMIT $limit
