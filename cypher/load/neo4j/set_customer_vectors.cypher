// purpose: write vectors on customers, for the vector index
// parameters: rows: id and vector
// columns: none
UNWIND $rows AS row
MATCH (n:Customer {id: row.id})
CALL db.create.setNodeVectorProperty(n, 'vector', row.vector)
