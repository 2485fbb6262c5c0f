// purpose: give products their brand
// parameters: rows: source, target
// columns: none
UNWIND $rows AS row
MATCH (p:Product {id: row.source})
WITH p, row
MATCH (b:Brand {id: row.target})
CREATE (p)-[:MADE_BY]->(b)
