// purpose: names of all constraints
// parameters: none
// columns: name
SHOW CONSTRAINTS YIELD name
