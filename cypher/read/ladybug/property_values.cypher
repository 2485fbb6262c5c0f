// purpose: ids of all values of properties
// parameters: none
// columns: id
MATCH (v:PropertyValue) RETURN v.id AS id
