// purpose: the shortest chains of orders between two products: one order that holds both, or a third product ordered with each
// subject: products
// parameters: from_product: text; to_product: text; min_orders: integer = 2; limit: integer = 10
// parameter from_product: id of the product at one end
// parameter to_product: id of the product at the other end
// parameter min_orders: orders that each step must rest on
// parameter limit: rows at most
// columns: steps, via, first_orders, second_orders
// column steps: 1 where one order holds both products, 2 with one product between; longer chains are not looked for
// column via: the product between; null where there is none
// column first_orders: orders that hold the first product and the next of the chain
// column second_orders: orders that hold the product between and the last; null where there is none between
// example: habitue query basket-path -p from_product=1082185 -p to_product=6534178
MATCH (p:Product)<-[r:PURCHASED]-(c:Customer)
WHERE p.id IN [$from_product, $to_product] AND r.order_id IS NOT NULL
WITH c, collect(DISTINCT CASE WHEN p.id = $from_product THEN r.order_id END) AS from_orders,
  collect(DISTINCT CASE WHEN p.id = $to_product THEN r.order_id END) AS to_orders
MATCH (c)-[s:PURCHASED]->(via:Product)
WHERE via.id <> $from_product AND via.id <> '__no_product__' AND (s.order_id IN from_orders OR s.order_id IN to_orders)
WITH via.id AS product, count(DISTINCT CASE WHEN s.order_id IN from_orders THEN s.order_id END) AS first_orders,
  count(DISTINCT CASE WHEN s.order_id IN to_orders THEN s.order_id END) AS second_orders
WHERE first_orders >= $min_orders AND second_orders >= $min_orders
WITH product, first_orders, second_orders, CASE WHEN product = $to_product THEN 1 ELSE 2 END AS steps,
  CASE WHEN first_orders < second_orders THEN first_orders ELSE second_orders END AS weakest
RETURN steps, CASE WHEN steps = 2 THEN product END AS via, first_orders,
  CASE WHEN steps = 2 THEN second_orders END AS second_orders
ORDER BY steps, weakest DESC, product LIMIT $limit
