// purpose: Product nodes at the other end of IN_CATEGORY
// parameters: ids: the nodes in the middle
// columns: middle, id, label, name
MATCH (n:Category)<-[r:IN_CATEGORY]-(m:Product)
WHERE n.id IN $ids
RETURN n.id AS middle, m.id AS id, 'Product' AS label, m.name AS name
