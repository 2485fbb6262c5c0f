// purpose: remove REDEEMED interactions that are replaced
// parameters: ids: interaction ids
// columns: none
MATCH (c:Customer)-[r:REDEEMED]->(t:Campaign) WHERE r.id IN $ids
DELETE r
