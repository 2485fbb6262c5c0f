// purpose: VIEWED interactions of a range of customers, of later loads
// parameters: first, last: offsets of customers, the last one left out; after: sequence number of a load
// columns: customer, target: their offsets; and all properties
MATCH (c:Customer)-[r:VIEWED]->(t:Product)
WHERE offset(id(c)) >= $first AND offset(id(c)) < $last AND r.load > $after
RETURN offset(id(c)) AS customer, offset(id(t)) AS target, r.id AS id, r.at AS at, r.known_at AS known_at, r.quantity AS quantity, r.amount AS amount, r.discount AS discount, r.order_id AS order_id, r.channel AS channel, r.rating AS rating, r.treatment AS treatment, r.load AS load
