// purpose: the data set's own properties by label of their owners, of complete loads: how many owners have each, how many values there are
// parameters: none
// columns: label, name, owners, values, dated
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (o)-[h:HAS_PROPERTY]->(v:PropertyValue) WHERE NOT h.load IN incomplete
RETURN labels(o)[0] AS label, v.name AS name, count(DISTINCT o) AS owners, count(DISTINCT v) AS values, count(h.valid_from) AS dated
ORDER BY label, name
