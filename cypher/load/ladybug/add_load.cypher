// purpose: enter a load in the book
// parameters: the load
// columns: none
CREATE (:Load {id: $sequence, source: $source, started_at: $started_at, finished_at: $finished_at, complete: true, report: $report})
