// purpose: delete the relationships of hidden nodes
// parameters: none
// columns: none
MATCH (:Erased)-[r]-()
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
