// purpose: give Customer nodes their properties
// parameters: rows: owner, target, valid_from, load
// columns: none
UNWIND $rows AS row
MATCH (o:Customer {id: row.owner})
WITH o, row
MATCH (v:PropertyValue {id: row.target})
CREATE (o)-[:HAS_PROPERTY {valid_from: row.valid_from, load: row.load}]->(v)
