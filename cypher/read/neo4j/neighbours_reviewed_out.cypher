// purpose: Product nodes at the other end of REVIEWED, parallel events as one, the newest of each node in the middle
// parameters: ids: the nodes in the middle; leave_out: an id that is no real neighbour; limit: how many for each
// columns: middle, id, label, name, events, amount, first_at, last_at
UNWIND $ids AS middle
MATCH (n:Customer {id: middle})
CALL (n) {
  MATCH (n)-[r:REVIEWED]->(m:Product)
  WHERE m.id <> $leave_out
  WITH m, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
  RETURN m, events, amount, first_at, last_at
  ORDER BY last_at DESC, m.id LIMIT $limit
}
RETURN middle, m.id AS id, 'Product' AS label, m.name AS name, events, amount, first_at, last_at
