// purpose: pairs of products, one of each category, that lie in the same orders
// subject: categories and brands
// parameters: from_category: text; to_category: text; min_orders: integer = 5; limit: integer = 20
// parameter from_category: id of a category; those below it count too
// parameter to_category: id of the other category; those below it count too
// parameter min_orders: orders that must hold both products
// parameter limit: rows at most
// columns: from_product, to_product, orders, customers
// column orders: orders that hold both; lines without an order_id are left out
// column customers: customers who placed them
// example: habitue query category-bridges -p from_category=FLORAL -p to_category=PRODUCE
MATCH (:Category {id: $from_category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(p:Product)<-[r:PURCHASED]-(c:Customer)
WHERE r.order_id IS NOT NULL
WITH c, collect(DISTINCT {order_id: r.order_id, product: p.id}) AS found, collect(DISTINCT r.order_id) AS order_ids
MATCH (c)-[s:PURCHASED]->(q:Product)
WHERE s.order_id IN order_ids AND EXISTS { MATCH (q)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..9]->(:Category {id: $to_category}) }
UNWIND found AS each
WITH c, each.product AS from_product, each.order_id AS order_id, q.id AS to_product, s.order_id AS same_order_id
WHERE order_id = same_order_id AND from_product <> to_product
WITH from_product, to_product, count(DISTINCT order_id) AS orders, count(DISTINCT c) AS customers
WHERE orders >= $min_orders
RETURN from_product, to_product, orders, customers
ORDER BY orders DESC, from_product, to_product LIMIT $limit
