// purpose: the data set's own properties by label of their owners: how many owners have each, how many values there are
// parameters: none
// columns: label, name, owners, values, dated
MATCH (o)-[h:HAS_PROPERTY]->(v:PropertyValue)
RETURN label(o) AS label, v.name AS name, count(DISTINCT o.id) AS owners, count(DISTINCT v.id) AS values, count(h.valid_from) AS dated
ORDER BY label, name
