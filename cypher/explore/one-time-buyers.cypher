// purpose: how many customers bought on one day only, and how many more often
// parameters: none
// columns: customers, one_time
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, min(r.at) AS first_at, max(r.at) AS last_at
RETURN count(c) AS customers, sum(CASE WHEN first_at = last_at THEN 1 ELSE 0 END) AS one_time
