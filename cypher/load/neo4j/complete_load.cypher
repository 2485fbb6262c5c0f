// purpose: make a load visible
// parameters: sequence, finished_at, report
// columns: none
MATCH (l:Load {id: $sequence})
SET l.finished_at = $finished_at, l.complete = true, l.report = $report, l.content = null
