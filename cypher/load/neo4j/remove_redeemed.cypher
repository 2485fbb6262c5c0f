// purpose: remove REDEEMED interactions that are replaced, and keep them aside
// parameters: ids: of interactions; load: that replaces them
// columns: none
UNWIND $ids AS id
MATCH (c:Customer)-[r:REDEEMED {id: id}]->(t:Campaign)
CREATE (v:Replaced) SET v = properties(r), v.type = 'REDEEMED', v.customer = c.id, v.target = t.id, v.until = $load
DELETE r
