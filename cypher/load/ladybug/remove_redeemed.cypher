// purpose: remove a REDEEMED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:REDEEMED]->(t:Campaign) WHERE r.id = $id
DELETE r
