// purpose: remove VIEWED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:VIEWED]->(t:Product) WHERE r.id IN $ids
DELETE r
