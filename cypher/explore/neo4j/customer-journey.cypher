// purpose: everything a customer did and received, newest first
// subject: one customer
// parameters: customer: text; limit: integer = 50
// parameter customer: id of the customer
// parameter limit: rows at most
// columns: at, event, item, category, quantity, amount
// column event: the relationship's type, such as PURCHASED or CONTACTED
// column item: id of the product or campaign; null for a purchase without a product
// column category: the product's category
// column amount: money of the line
// example: habitue query customer-journey -p customer=1228 -p limit=20
MATCH (:Customer {id: $customer})-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->(item)
OPTIONAL MATCH (item)-[:IN_CATEGORY]->(k:Category)
RETURN r.at AS at, type(r) AS event, CASE WHEN item.id <> '__no_product__' THEN item.id END AS item, k.id AS category,
  r.quantity AS quantity, r.amount AS amount
ORDER BY at DESC, event, r.id LIMIT $limit
