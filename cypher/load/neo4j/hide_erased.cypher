// purpose: take customers out of everybody's sight, to be deleted
// parameters: ids: of the customers
// columns: customers
UNWIND $ids AS id
MATCH (c:Customer {id: id})
REMOVE c:Customer
SET c:Erased
RETURN count(c) AS customers
