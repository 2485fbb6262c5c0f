// purpose: remove property values of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH (n:PropertyValue) WHERE n.load IN $loads
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
