// purpose: replaced versions of interactions with a Product, customer by customer; times in epoch milliseconds
// parameters: customers: their ids; latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: customer, events: as of interactions, and type, superseded_at
MATCH (c:Customer) WHERE c.id IN $customers
RETURN c.id AS customer, [(c)-[r:SUPERSEDED]->(t:Product) WHERE r.load <= $latest AND NOT r.load IN $incomplete | [t.id, r.id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.at).milliseconds, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.known_at).milliseconds, r.quantity, r.amount, r.discount, r.order_id, r.channel, r.rating, r.treatment, r.load, r.type, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.superseded_at).milliseconds]] AS events
