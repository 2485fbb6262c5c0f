// purpose: add categories
// parameters: rows: id, name
// columns: none
UNWIND $rows AS row CREATE (:Category {id: row.id, name: row.name})
