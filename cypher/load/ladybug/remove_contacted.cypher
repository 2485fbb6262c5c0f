// purpose: remove a CONTACTED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:CONTACTED]->(t:Campaign) WHERE r.id = $id
DELETE r
