// purpose: names of all constraints and indexes
// parameters: none
// columns: name
SHOW INDEXES YIELD name
