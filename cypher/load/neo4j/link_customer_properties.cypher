// purpose: give Customer nodes their properties
// parameters: rows: owner, target, valid_from in epoch milliseconds, load
// columns: none
UNWIND $rows AS row
MATCH (o:Customer {id: row.owner})
MATCH (v:PropertyValue {id: row.target})
CREATE (o)-[:HAS_PROPERTY {valid_from: CASE WHEN row.valid_from IS NULL THEN NULL ELSE localdatetime({datetime: datetime({epochMillis: row.valid_from})}) END, load: row.load}]->(v)
