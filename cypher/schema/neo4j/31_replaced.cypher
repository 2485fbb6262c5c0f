// purpose: what an unfinished load has replaced is found by an index
// name: replaced_id
CREATE INDEX replaced_id IF NOT EXISTS FOR (n:Replaced) ON (n.id)
