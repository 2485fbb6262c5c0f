// purpose: remove CONTACTED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:CONTACTED {id: row.id}]->()
DELETE r
