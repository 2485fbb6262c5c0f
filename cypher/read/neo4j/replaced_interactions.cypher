// purpose: interactions of one type as they are until an interrupted load completes; times in epoch milliseconds
// parameters: type; after: of later loads only; incomplete: sequence numbers of interrupted loads
// columns: customer, target, and the properties of interactions
MATCH (v:Replaced {type: $type})
WHERE v.until IN $incomplete AND v.load > $after
RETURN v.customer AS customer, v.target AS target, v.id AS id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), v.at).milliseconds AS at, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), v.known_at).milliseconds AS known_at, v.quantity AS quantity, v.amount AS amount, v.discount AS discount, v.order_id AS order_id, v.channel AS channel, v.rating AS rating, v.treatment AS treatment, v.load AS load
