// purpose: put properties of Customer nodes back that interrupted loads had replaced, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (v:Replaced {type: 'HAS_PROPERTY'}) WHERE v.label = 'Customer' AND v.until IN $loads
WITH v LIMIT $limit
MATCH (o:Customer {id: v.owner})
MATCH (p:PropertyValue {id: v.target})
CREATE (o)-[:HAS_PROPERTY {load: v.load}]->(p)
DELETE v
