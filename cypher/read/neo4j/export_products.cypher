// purpose: all products of complete loads with their category and brand
// parameters: latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id, name, price, category, brand, stub
MATCH (p:Product) WHERE p.load <= $latest AND NOT p.load IN $incomplete
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
OPTIONAL MATCH (p)-[:MADE_BY]->(b:Brand)
RETURN p.id AS id, p.name AS name, p.price AS price, k.id AS category, b.id AS brand, p.stub AS stub
