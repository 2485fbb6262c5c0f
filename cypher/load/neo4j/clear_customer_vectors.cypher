// purpose: remove the vectors of customers, some at a time
// parameters: limit: how many
// columns: none
MATCH (n:Customer) WHERE n.vector IS NOT NULL
WITH n LIMIT $limit
REMOVE n.vector
