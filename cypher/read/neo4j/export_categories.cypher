// purpose: all categories of complete loads with their parents
// parameters: latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id, name, parent
MATCH (k:Category) WHERE k.load <= $latest AND NOT k.load IN $incomplete
OPTIONAL MATCH (k)-[:CHILD_OF]->(above:Category)
RETURN k.id AS id, k.name AS name, above.id AS parent
