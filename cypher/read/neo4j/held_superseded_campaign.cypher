// purpose: versions, with given ids, of interactions with a Campaign that complete loads replaced; times in epoch milliseconds
// parameters: ids: of interactions; latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: customer, target, id, at, known_at, quantity, amount, discount, order_id, channel, rating, treatment, load, type, superseded_at
UNWIND $ids AS id
MATCH (c:Customer)-[r:SUPERSEDED {id: id}]->(t:Campaign)
WHERE coalesce(r.by, r.load) <= $latest AND NOT coalesce(r.by, r.load) IN $incomplete
RETURN c.id AS customer, t.id AS target, r.id AS id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.at).milliseconds AS at, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.known_at).milliseconds AS known_at, r.quantity AS quantity, r.amount AS amount, r.discount AS discount, r.order_id AS order_id, r.channel AS channel, r.rating AS rating, r.treatment AS treatment, r.load AS load, r.type AS type, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.superseded_at).milliseconds AS superseded_at
