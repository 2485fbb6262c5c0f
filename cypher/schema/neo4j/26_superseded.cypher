// purpose: replaced versions of interactions are found by an index
// name: superseded_id
CREATE INDEX superseded_id IF NOT EXISTS FOR ()-[r:SUPERSEDED]-() ON (r.id)
