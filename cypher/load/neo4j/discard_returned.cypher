// purpose: remove RETURNED interactions of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH ()-[r:RETURNED]->() WHERE r.load IN $loads
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
