// purpose: add campaigns
// parameters: as lists of equal length: id, start, end (epoch milliseconds); load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
CREATE (:Campaign {id: $id[i], start: CASE WHEN $start[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $start[i] / 1000, milliseconds: $start[i] % 1000}) END, `end`: CASE WHEN $`end`[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $`end`[i] / 1000, milliseconds: $`end`[i] % 1000}) END, load: $load})
