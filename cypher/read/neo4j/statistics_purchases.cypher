// purpose: how many customers have how many purchases of complete loads
// parameters: none
// columns: degree, nodes
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (c:Customer)-[r:PURCHASED]->(:Product) WHERE NOT r.load IN incomplete
WITH c, count(r) AS degree
RETURN degree, count(c) AS nodes
