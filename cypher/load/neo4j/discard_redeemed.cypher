// purpose: remove REDEEMED interactions of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH ()-[r:REDEEMED]->() WHERE r.load IN $loads
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
