// purpose: drop the index of products' vectors
// parameters: none
// columns: none
DROP INDEX product_vector IF EXISTS
