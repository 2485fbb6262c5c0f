// purpose: give categories their parent
// parameters: as lists of equal length: source, target
// columns: none
UNWIND range(0, size($source) - 1) AS i
MATCH (k:Category {id: $source[i]})
MATCH (above:Category {id: $target[i]})
CREATE (k)-[:CHILD_OF]->(above)
