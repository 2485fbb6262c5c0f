// purpose: add customers
// parameters: as lists of equal length: id; load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
CREATE (:Customer {id: $id[i], last_load: $load, load: $load})
