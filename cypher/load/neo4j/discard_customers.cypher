// purpose: remove customers of interrupted loads, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (n:Customer) WHERE n.load IN $loads
WITH n LIMIT $limit
DETACH DELETE n
