// purpose: enter loads in the book
// parameters: rows: the loads
// columns: none
UNWIND $rows AS row
CREATE (:Load {id: row.id, source: row.source, started_at: row.started_at, finished_at: row.finished_at, complete: row.complete, report: row.report})
