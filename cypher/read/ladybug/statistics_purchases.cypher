// purpose: how many customers have how many purchases
// parameters: none
// columns: degree, nodes
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, count(r) AS degree
RETURN degree, count(c) AS nodes
