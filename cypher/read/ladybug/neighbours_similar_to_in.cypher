// purpose: Customer nodes at the other end of SIMILAR_TO
// parameters: ids: the nodes in the middle
// columns: middle, id, label, name, score
MATCH (n:Customer)<-[r:SIMILAR_TO]-(m:Customer)
WHERE n.id IN $ids
RETURN n.id AS middle, m.id AS id, 'Customer' AS label, m.id AS name, r.score AS score
