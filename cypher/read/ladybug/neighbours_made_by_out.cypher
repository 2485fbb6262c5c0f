// purpose: Brand nodes at the other end of MADE_BY
// parameters: ids: the nodes in the middle
// columns: middle, id, label, name
MATCH (n:Product)-[r:MADE_BY]->(m:Brand)
WHERE n.id IN $ids
RETURN n.id AS middle, m.id AS id, 'Brand' AS label, m.id AS name
