// purpose: relationships of hidden customers by type
// parameters: none
// columns: type, rows
MATCH (:Erased)-[r]-()
RETURN type(r) AS type, count(DISTINCT r) AS rows
