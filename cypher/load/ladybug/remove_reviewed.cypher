// purpose: remove a REVIEWED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:REVIEWED]->(t:Product) WHERE r.id = $id
DELETE r
