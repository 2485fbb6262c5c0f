// purpose: remove PURCHASED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:PURCHASED]->(t:Product) WHERE r.id IN $ids
DELETE r
