// purpose: remove brands of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH (n:Brand) WHERE n.load IN $loads
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
