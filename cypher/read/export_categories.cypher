// purpose: all categories with their parents
// parameters: none
// columns: id, name, parent
MATCH (k:Category)
OPTIONAL MATCH (k)-[:CHILD_OF]->(above:Category)
RETURN k.id AS id, k.name AS name, above.id AS parent
