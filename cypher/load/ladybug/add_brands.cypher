// purpose: add brands
// parameters: rows: ids
// columns: none
UNWIND $rows AS row CREATE (:Brand {id: row.id})
