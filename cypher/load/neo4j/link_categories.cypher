// purpose: put products into categories
// parameters: as lists of equal length: source, target
// columns: none
UNWIND range(0, size($source) - 1) AS i
MATCH (p:Product {id: $source[i]})
MATCH (k:Category {id: $target[i]})
CREATE (p)-[:IN_CATEGORY]->(k)
