// purpose: find customers by vector; by cosine
// parameters: dimension: length of the vectors
// columns: none
CREATE VECTOR INDEX customer_vector IF NOT EXISTS FOR (n:Customer) ON (n.vector)
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}
