// purpose: write similarities
// parameters: rows: source, target, score; model
// columns: none
UNWIND $rows AS row
MATCH (a:Customer {id: row.source})
MATCH (b:Customer {id: row.target})
CREATE (a)-[:SIMILAR_TO {score: row.score, model: $model}]->(b)
