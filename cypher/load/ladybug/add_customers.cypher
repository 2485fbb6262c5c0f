// purpose: add customers
// parameters: rows: ids
// columns: none
UNWIND $rows AS row CREATE (:Customer {id: row.id})
