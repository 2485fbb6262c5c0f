// purpose: all products with their innermost category and brand
// parameters: none
// columns: id, name, price, category, brand, stub
MATCH (p:Product)
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
OPTIONAL MATCH (p)-[:MADE_BY]->(b:Brand)
RETURN p.id AS id, p.name AS name, p.price AS price, k.id AS category, b.id AS brand, p.stub AS stub
