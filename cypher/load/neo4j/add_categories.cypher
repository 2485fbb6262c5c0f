// purpose: add categories
// parameters: rows: columns of the nodes; load: its sequence number
// columns: none
UNWIND $rows AS row CREATE (:Category {id: row.id, name: row.name, load: $load})
