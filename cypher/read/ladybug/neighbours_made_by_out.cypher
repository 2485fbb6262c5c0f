// purpose: Brand nodes at the other end of MADE_BY
// parameters: id: the node in the middle
// columns: id, label, name
MATCH (n:Product {id: $id})-[r:MADE_BY]->(m:Brand)
RETURN m.id AS id, 'Brand' AS label, m.id AS name
ORDER BY id
