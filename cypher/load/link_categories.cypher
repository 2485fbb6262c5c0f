// purpose: put products into categories
// parameters: rows: source, target
// columns: none
UNWIND $rows AS row
MATCH (p:Product {id: row.source})
WITH p, row
MATCH (k:Category {id: row.target})
CREATE (p)-[:IN_CATEGORY]->(k)
