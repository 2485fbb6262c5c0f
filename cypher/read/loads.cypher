// purpose: all loads, oldest first
// parameters: none
// columns: sequence, source, started_at, finished_at, complete, report
MATCH (l:Load)
RETURN l.id AS sequence, l.source AS source, l.started_at AS started_at, l.finished_at AS finished_at, l.complete AS complete, l.report AS report
ORDER BY sequence
