// purpose: remove CONTACTED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:CONTACTED]->(t:Campaign) WHERE r.id IN $ids
DELETE r
