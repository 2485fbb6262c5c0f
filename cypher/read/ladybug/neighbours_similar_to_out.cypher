// purpose: Customer nodes at the other end of SIMILAR_TO, closest first
// parameters: id: the node in the middle
// columns: id, label, name, score
MATCH (n:Customer {id: $id})-[r:SIMILAR_TO]->(m:Customer)
RETURN m.id AS id, 'Customer' AS label, m.id AS name, r.score AS score
ORDER BY score DESC, id
