// purpose: Category nodes at the other end of CHILD_OF
// parameters: ids: the nodes in the middle
// columns: middle, id, label, name
MATCH (n:Category)<-[r:CHILD_OF]-(m:Category)
WHERE n.id IN $ids
RETURN n.id AS middle, m.id AS id, 'Category' AS label, m.name AS name
