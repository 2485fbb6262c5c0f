// purpose: add brands
// parameters: rows: columns of the nodes; load: its sequence number
// columns: none
UNWIND $rows AS row CREATE (:Brand {id: row.id, load: $load})
