// purpose: Customer nodes at the other end of REVIEWED, newest first (the caller takes what it needs), parallel events as one
// parameters: id: the node in the middle
// columns: id, label, name, events, amount, first_at, last_at
MATCH (n:Product {id: $id})<-[r:REVIEWED]-(m:Customer)
RETURN m.id AS id, 'Customer' AS label, m.id AS name, count(r) AS events, sum(r.amount) AS amount, min(r.at) AS first_at, max(r.at) AS last_at
ORDER BY last_at DESC, id
