// purpose: set dates of campaigns that exist
// parameters: rows: id, start, end (epoch milliseconds)
// columns: none
UNWIND $rows AS row
MATCH (m:Campaign {id: row.id})
SET m.start = CASE WHEN row.start IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.start})}) END, m.`end` = CASE WHEN row.`end` IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.`end`})}) END
