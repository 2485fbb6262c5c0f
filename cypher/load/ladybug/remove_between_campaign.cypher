// purpose: delete the nodes that a large load put between Campaign nodes
// parameters: prefix: with which their ids begin
// columns: none
MATCH (n:Campaign) WHERE n.id STARTS WITH $prefix DELETE n
