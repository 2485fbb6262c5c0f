// purpose: remove VIEWED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:VIEWED {id: row.id}]->()
DELETE r
