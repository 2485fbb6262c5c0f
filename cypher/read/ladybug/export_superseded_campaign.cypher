// purpose: replaced versions of interactions with a Campaign, of later loads
// parameters: after: sequence number of a load
// columns: customer, target, all properties, type, superseded_at
MATCH (c:Customer)-[r:SUPERSEDED]->(t:Campaign) WHERE r.load > $after
RETURN c.id AS customer, t.id AS target, r.id AS id, r.at AS at, r.known_at AS known_at, r.quantity AS quantity, r.amount AS amount, r.discount AS discount, r.order_id AS order_id, r.channel AS channel, r.rating AS rating, r.treatment AS treatment, r.load AS load, r.type AS type, r.superseded_at AS superseded_at
