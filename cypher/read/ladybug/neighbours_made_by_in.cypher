// purpose: Product nodes at the other end of MADE_BY
// parameters: id: the node in the middle
// columns: id, label, name
MATCH (n:Brand {id: $id})<-[r:MADE_BY]-(m:Product)
RETURN m.id AS id, 'Product' AS label, m.name AS name
ORDER BY id
