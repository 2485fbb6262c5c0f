// purpose: remove REVIEWED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:REVIEWED]->(t:Product) WHERE r.id IN $ids
DELETE r
