// purpose: drop the index of customers' vectors
// parameters: none
// columns: none
DROP INDEX customer_vector IF EXISTS
