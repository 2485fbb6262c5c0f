// purpose: remove RETURNED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:RETURNED {id: row.id}]->()
DELETE r
