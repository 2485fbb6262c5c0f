// purpose: put properties of Product nodes back that interrupted loads had replaced, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (v:Replaced {type: 'HAS_PROPERTY'}) WHERE v.label = 'Product' AND v.until IN $loads
WITH v LIMIT $limit
MATCH (o:Product {id: v.owner})
MATCH (p:PropertyValue {id: v.target})
CREATE (o)-[:HAS_PROPERTY {load: v.load}]->(p)
DELETE v
