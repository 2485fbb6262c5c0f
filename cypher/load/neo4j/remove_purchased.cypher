// purpose: remove PURCHASED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:PURCHASED {id: row.id}]->()
DELETE r
