// purpose: how many products are bought by how many customers
// parameters: leave_out: the product that stands for none
// columns: degree, nodes
MATCH (c:Customer)-[:PURCHASED]->(p:Product) WHERE p.id <> $leave_out
WITH DISTINCT offset(id(c)) AS customer, offset(id(p)) AS product
WITH product, count(*) AS degree
RETURN degree, count(*) AS nodes
