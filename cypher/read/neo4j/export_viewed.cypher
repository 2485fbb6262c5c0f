// purpose: VIEWED interactions of later complete loads, customer by customer; times in epoch milliseconds
// parameters: above, upto: bounds of the customers' ids; after: of later loads only; latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: customer, events: number of the target node, id, at, known_at, quantity, amount, discount, order_id, channel, rating, treatment, load
MATCH (c:Customer) WHERE c.id > $above AND c.id <= $upto AND coalesce(c.last_load, $latest) > $after
RETURN c.id AS customer, [(c)-[r:VIEWED]->(t:Product) WHERE r.load > $after AND r.load <= $latest AND NOT r.load IN $incomplete | [id(t), r.id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.at).milliseconds, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.known_at).milliseconds, r.quantity, r.amount, r.discount, r.order_id, r.channel, r.rating, r.treatment, r.load]] AS events
