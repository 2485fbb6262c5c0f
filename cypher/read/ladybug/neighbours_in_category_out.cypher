// purpose: Category nodes at the other end of IN_CATEGORY
// parameters: id: the node in the middle
// columns: id, label, name
MATCH (n:Product {id: $id})-[r:IN_CATEGORY]->(m:Category)
RETURN m.id AS id, 'Category' AS label, m.name AS name
ORDER BY id
