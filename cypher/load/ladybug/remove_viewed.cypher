// purpose: remove a VIEWED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:VIEWED]->(t:Product) WHERE r.id = $id
DELETE r
