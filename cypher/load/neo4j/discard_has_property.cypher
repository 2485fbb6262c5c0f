// purpose: remove HAS_PROPERTY relationships of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH ()-[r:HAS_PROPERTY]->() WHERE r.load IN $loads
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
