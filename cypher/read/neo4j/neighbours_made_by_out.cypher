// purpose: Brand nodes at the other end of MADE_BY
// parameters: ids: the nodes in the middle; limit: how many for each
// columns: middle, id, label, name
UNWIND $ids AS middle
MATCH (n:Product {id: middle})
CALL (n) {
  MATCH (n)-[r:MADE_BY]->(m:Brand)
  RETURN m
  ORDER BY m.id LIMIT $limit
}
RETURN middle, m.id AS id, 'Brand' AS label, m.id AS name
