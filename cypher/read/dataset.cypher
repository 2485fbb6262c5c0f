// purpose: the data set that this graph holds, with its facts as JSON
// parameters: none
// columns: id, facts
MATCH (d:Dataset) RETURN d.id AS id, d.facts AS facts
