// purpose: how many customers bought at all, and how many of them once only: all their lines at one time
// parameters: none
// columns: customers, one_time
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, min(r.at) AS first_at, max(r.at) AS last_at
RETURN count(c) AS customers, sum(CASE WHEN first_at = last_at THEN 1 ELSE 0 END) AS one_time
