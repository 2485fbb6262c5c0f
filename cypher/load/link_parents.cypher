// purpose: give categories their parent
// parameters: rows: source, target
// columns: none
UNWIND $rows AS row
MATCH (k:Category {id: row.source})
WITH k, row
MATCH (above:Category {id: row.target})
CREATE (k)-[:CHILD_OF]->(above)
