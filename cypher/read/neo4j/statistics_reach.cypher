// purpose: how many products are bought by how many customers, in complete loads
// parameters: leave_out: the product that stands for none
// columns: degree, nodes
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (c:Customer)-[r:PURCHASED]->(p:Product) WHERE p.id <> $leave_out AND NOT r.load IN incomplete
WITH p, count(DISTINCT c) AS degree
RETURN degree, count(p) AS nodes
