// purpose: properties of one Product; valid_from is null where the source does not date them
// parameters: owner: its id
// columns: owner, name, value, valid_from
MATCH (o:Product {id: $owner})-[h:HAS_PROPERTY]->(v:PropertyValue)
RETURN o.id AS owner, v.name AS name, v.value AS value, h.valid_from AS valid_from
