// purpose: add customers
// parameters: rows: columns of the nodes; load: its sequence number
// columns: none
UNWIND $rows AS row CREATE (:Customer {id: row.id, load: $load})
