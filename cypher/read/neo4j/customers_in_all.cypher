// purpose: how many customers there are, of the count store
// parameters: none
// columns: customers
MATCH (c:Customer) RETURN count(c) AS customers
