// purpose: remove the vectors of products, some at a time
// parameters: limit: how many
// columns: none
MATCH (n:Product) WHERE n.vector IS NOT NULL
WITH n LIMIT $limit
REMOVE n.vector
