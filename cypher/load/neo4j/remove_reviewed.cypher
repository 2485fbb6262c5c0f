// purpose: remove REVIEWED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:REVIEWED {id: row.id}]->()
DELETE r
