// purpose: remove undated properties of Campaign nodes that get a new value
// parameters: rows: owner, target
// columns: none
UNWIND $rows AS row
MATCH (o:Campaign {id: row.owner})-[h:HAS_PROPERTY]->(v:PropertyValue {id: row.target})
WHERE h.valid_from IS NULL
DELETE h
