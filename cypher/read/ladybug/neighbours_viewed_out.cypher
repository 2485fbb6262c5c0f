// purpose: Product nodes at the other end of VIEWED, newest first (the caller takes what it needs), parallel events as one
// parameters: id: the node in the middle
// columns: id, label, name, events, amount, first_at, last_at
MATCH (n:Customer {id: $id})-[r:VIEWED]->(m:Product)
RETURN m.id AS id, 'Product' AS label, m.name AS name, count(r) AS events, sum(r.amount) AS amount, min(r.at) AS first_at, max(r.at) AS last_at
ORDER BY last_at DESC, id
