// purpose: remove PURCHASED interactions that are replaced, and keep them aside
// parameters: ids: of interactions; load: that replaces them
// columns: none
UNWIND $ids AS id
MATCH (c:Customer)-[r:PURCHASED {id: id}]->(t:Product)
CREATE (v:Replaced) SET v = properties(r), v.type = 'PURCHASED', v.customer = c.id, v.target = t.id, v.until = $load
DELETE r
