// purpose: enter a load in the book before its first row is written
// parameters: sequence, source, started_at; content: of what it writes
// columns: none
MERGE (l:Load {id: $sequence})
SET l.source = $source, l.started_at = $started_at, l.content = $content, l.complete = false
