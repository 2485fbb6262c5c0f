// purpose: remove SUPERSEDED relationships of interrupted loads
// parameters: loads: sequence numbers
// columns: none
MATCH ()-[r:SUPERSEDED]->() WHERE coalesce(r.by, r.load) IN $loads
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
