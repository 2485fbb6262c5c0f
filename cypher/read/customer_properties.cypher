// purpose: a customer's properties with their dates
// parameters: id: the customer
// columns: name, value, valid_from
MATCH (c:Customer {id: $id})-[h:HAS_PROPERTY]->(v:PropertyValue)
RETURN v.name AS name, v.value AS value, h.valid_from AS valid_from
ORDER BY name, valid_from
