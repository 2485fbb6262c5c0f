// purpose: add campaigns
// parameters: rows: id, start, end (epoch milliseconds); load: its sequence number
// columns: none
UNWIND $rows AS row
CREATE (:Campaign {id: row.id, start: CASE WHEN row.start IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.start})}) END, `end`: CASE WHEN row.`end` IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.`end`})}) END, load: $load})
