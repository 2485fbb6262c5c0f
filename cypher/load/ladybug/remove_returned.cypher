// purpose: remove RETURNED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:RETURNED]->(t:Product) WHERE r.id IN $ids
DELETE r
