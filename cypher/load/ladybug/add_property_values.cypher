// purpose: add values of properties
// parameters: rows: id, name, value
// columns: none
UNWIND $rows AS row CREATE (:PropertyValue {id: row.id, name: row.name, value: row.value})
