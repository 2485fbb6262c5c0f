// purpose: give products their brand
// parameters: as lists of equal length: source, target
// columns: none
UNWIND range(0, size($source) - 1) AS i
MATCH (p:Product {id: $source[i]})
MATCH (b:Brand {id: $target[i]})
CREATE (p)-[:MADE_BY]->(b)
