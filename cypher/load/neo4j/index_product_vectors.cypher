// purpose: find products by vector; by cosine
// parameters: dimension: length of the vectors
// columns: none
CREATE VECTOR INDEX product_vector IF NOT EXISTS FOR (n:Product) ON (n.vector)
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}
