// purpose: take values of properties that only hidden customers have out of sight, to be deleted
// parameters: none
// columns: values
MATCH (:Erased)-[:HAS_PROPERTY]->(v:PropertyValue)
WITH DISTINCT v
WHERE NOT EXISTS { MATCH (v)<-[:HAS_PROPERTY]-(o) WHERE NOT o:Erased }
REMOVE v:PropertyValue
SET v:Erased
RETURN count(v) AS values
