// purpose: Product nodes at the other end of IN_CATEGORY
// parameters: ids: the nodes in the middle; limit: how many for each
// columns: middle, id, label, name
UNWIND $ids AS middle
MATCH (n:Category {id: middle})
CALL (n) {
  MATCH (n)<-[r:IN_CATEGORY]-(m:Product)
  RETURN m
  ORDER BY m.id LIMIT $limit
}
RETURN middle, m.id AS id, 'Product' AS label, m.name AS name
