// purpose: all PURCHASED interactions of a customer
// parameters: customer: its id
// columns: customer, target, and all properties
MATCH (c:Customer {id: $customer})-[r:PURCHASED]->(t:Product)
RETURN c.id AS customer, t.id AS target, r.id AS id, r.at AS at, r.known_at AS known_at, r.quantity AS quantity, r.amount AS amount, r.discount AS discount, r.order_id AS order_id, r.channel AS channel, r.rating AS rating, r.treatment AS treatment, r.load AS load
