// purpose: delete hidden nodes
// parameters: none
// columns: none
MATCH (n:Erased)
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
