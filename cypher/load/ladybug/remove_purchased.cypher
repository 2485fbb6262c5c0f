// purpose: remove a PURCHASED interaction that is replaced
// parameters: customer; id: of the interaction
// columns: none
MATCH (c:Customer {id: $customer})-[r:PURCHASED]->(t:Product) WHERE r.id = $id
DELETE r
