// purpose: Customer nodes at the other end of SIMILAR_TO
// parameters: ids: the nodes in the middle; limit: how many for each
// columns: middle, id, label, name, score
UNWIND $ids AS middle
MATCH (n:Customer {id: middle})
CALL (n) {
  MATCH (n)-[r:SIMILAR_TO]->(m:Customer)
  RETURN m, r.score AS score
  ORDER BY score DESC, m.id LIMIT $limit
}
RETURN middle, m.id AS id, 'Customer' AS label, m.id AS name, score
