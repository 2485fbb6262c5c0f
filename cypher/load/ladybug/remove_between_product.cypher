// purpose: delete the nodes that a large load put between Product nodes
// parameters: prefix: with which their ids begin
// columns: none
MATCH (n:Product) WHERE n.id STARTS WITH $prefix DELETE n
