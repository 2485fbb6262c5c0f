// purpose: remove what complete loads have replaced
// parameters: loads: sequence numbers of interrupted ones, which are left
// columns: none
MATCH (v:Replaced) WHERE NOT v.until IN $loads
CALL (v) { DELETE v } IN TRANSACTIONS OF 5000 ROWS
