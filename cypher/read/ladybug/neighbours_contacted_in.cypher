// purpose: Customer nodes at the other end of CONTACTED, parallel events as one; the caller keeps the newest
// parameters: ids: the nodes in the middle; leave_out: an id that is no real neighbour
// columns: middle, id, label, name, events, amount, first_at, last_at
MATCH (n:Campaign)<-[r:CONTACTED]-(m:Customer)
WHERE n.id IN $ids AND m.id <> $leave_out
RETURN n.id AS middle, m.id AS id, 'Customer' AS label, m.id AS name, count(r) AS events, sum(r.amount) AS amount, min(r.at) AS first_at, max(r.at) AS last_at
