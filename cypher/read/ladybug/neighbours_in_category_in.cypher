// purpose: Product nodes at the other end of IN_CATEGORY
// parameters: id: the node in the middle
// columns: id, label, name
MATCH (n:Category {id: $id})<-[r:IN_CATEGORY]-(m:Product)
RETURN m.id AS id, 'Product' AS label, m.name AS name
ORDER BY id
