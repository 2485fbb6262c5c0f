// purpose: write vectors on products, for the vector index
// parameters: rows: id and vector
// columns: none
UNWIND $rows AS row
MATCH (n:Product {id: row.id})
CALL db.create.setNodeVectorProperty(n, 'vector', row.vector)
