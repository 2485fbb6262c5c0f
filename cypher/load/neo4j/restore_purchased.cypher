// purpose: put PURCHASED interactions back that interrupted loads had replaced, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (v:Replaced {type: 'PURCHASED'}) WHERE v.until IN $loads
WITH v LIMIT $limit
MATCH (c:Customer {id: v.customer})
MATCH (t:Product {id: v.target})
CREATE (c)-[r:PURCHASED]->(t)
SET r = properties(v)
REMOVE r.type, r.customer, r.target, r.until
DELETE v
