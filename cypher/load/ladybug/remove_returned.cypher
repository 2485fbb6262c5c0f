// purpose: remove a RETURNED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:RETURNED]->(t:Product) WHERE r.id = $id
DELETE r
