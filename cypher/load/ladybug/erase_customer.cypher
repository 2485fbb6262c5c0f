// purpose: remove a customer with all of its relationships
// parameters: id: the customer
// columns: none
MATCH (c:Customer {id: $id}) DETACH DELETE c
