// purpose: all PURCHASED interactions, of interrupted loads, too, customer by customer; times in epoch milliseconds
// parameters: above, upto: bounds of the customers' ids
// columns: customer, events: number of the target node, id, at, known_at, quantity, amount, discount, order_id, channel, rating, treatment, load
MATCH (c:Customer)-[r:PURCHASED]->(t) WHERE c.id > $above AND c.id <= $upto
RETURN c.id AS customer, collect([id(t), r.id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.at).milliseconds, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.known_at).milliseconds, r.quantity, r.amount, r.discount, r.order_id, r.channel, r.rating, r.treatment, r.load]) AS events
