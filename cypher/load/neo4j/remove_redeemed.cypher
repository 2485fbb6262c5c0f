// purpose: remove REDEEMED interactions that are replaced
// parameters: rows: id
// columns: none
UNWIND $rows AS row
MATCH ()-[r:REDEEMED {id: row.id}]->()
DELETE r
