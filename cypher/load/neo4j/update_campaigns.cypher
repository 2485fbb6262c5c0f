// purpose: set dates of campaigns that exist, and keep the old ones aside
// parameters: as lists of equal length: id, start, end (epoch milliseconds); load: that changes them
// columns: none
UNWIND range(0, size($id) - 1) AS i
MATCH (m:Campaign {id: $id[i]})
CREATE (:Replaced {type: 'Campaign', id: m.id, start: m.start, `end`: m.`end`, until: $load})
SET m.start = CASE WHEN $start[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $start[i] / 1000, milliseconds: $start[i] % 1000}) END, m.`end` = CASE WHEN $`end`[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $`end`[i] / 1000, milliseconds: $`end`[i] % 1000}) END
