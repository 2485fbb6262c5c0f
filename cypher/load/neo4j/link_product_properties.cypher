// purpose: give Product nodes their properties
// parameters: as lists of equal length: owner, target, valid_from (epoch milliseconds); load: its sequence number
// columns: none
UNWIND range(0, size($owner) - 1) AS i
MATCH (o:Product {id: $owner[i]})
MATCH (v:PropertyValue {id: $target[i]})
CREATE (o)-[:HAS_PROPERTY {valid_from: CASE WHEN $valid_from[i] IS NULL THEN NULL ELSE localdatetime('1970-01-01T00:00:00') + duration({seconds: $valid_from[i] / 1000, milliseconds: $valid_from[i] % 1000}) END, load: $load}]->(v)
