// purpose: remove products of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH (n:Product) WHERE n.load IN $loads
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
