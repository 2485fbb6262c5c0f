// purpose: remove an undated property of a Customer node that gets a new value
// parameters: owner, target: ids of the node and the value
// columns: none
MATCH (o:Customer {id: $owner})-[h:HAS_PROPERTY]->(v:PropertyValue) WHERE v.id = $target AND h.valid_from IS NULL
DELETE h
