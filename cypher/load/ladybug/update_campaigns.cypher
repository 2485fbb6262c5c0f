// purpose: set dates of campaigns that exist
// parameters: rows: id, start, end
// columns: none
UNWIND $rows AS row
MATCH (m:Campaign {id: row.id})
SET m.start = row.start, m.`end` = row.`end`
