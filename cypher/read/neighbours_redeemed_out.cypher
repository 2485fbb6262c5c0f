// purpose: campaigns at the other end of REDEEMED, newest first, parallel events as one
// parameters: id: the node in the middle; leave_out: an id that is no real neighbour; limit: how many
// columns: id, label, name, events, amount, first_at, last_at
MATCH (n:Customer {id: $id})-[r:REDEEMED]->(m:Campaign)
WHERE m.id <> $leave_out
WITH m, count(r) AS events, sum(r.amount) AS amount, min(r.at) AS first_at, max(r.at) AS last_at
RETURN m.id AS id, 'Campaign' AS label, m.id AS name, events, amount, first_at, last_at
ORDER BY last_at DESC, id LIMIT $limit
