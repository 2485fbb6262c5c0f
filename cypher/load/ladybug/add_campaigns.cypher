// purpose: add campaigns
// parameters: rows: id, start, end
// columns: none
UNWIND $rows AS row CREATE (:Campaign {id: row.id, start: row.start, `end`: row.`end`})
