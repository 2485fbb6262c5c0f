// purpose: Category nodes at the other end of CHILD_OF
// parameters: id: the node in the middle
// columns: id, label, name
MATCH (n:Category {id: $id})<-[r:CHILD_OF]-(m:Category)
RETURN m.id AS id, 'Category' AS label, m.name AS name
ORDER BY id
