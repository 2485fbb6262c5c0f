// purpose: Category nodes at the other end of CHILD_OF
// parameters: ids: the nodes in the middle; limit: how many for each
// columns: middle, id, label, name
UNWIND $ids AS middle
MATCH (n:Category {id: middle})
CALL (n) {
  MATCH (n)-[r:CHILD_OF]->(m:Category)
  RETURN m
  ORDER BY m.id LIMIT $limit
}
RETURN middle, m.id AS id, 'Category' AS label, m.name AS name
