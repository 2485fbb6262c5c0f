// purpose: how many customers bought at all, and how many of them once only: all their lines at one time
// subject: customers
// parameters: none
// columns: customers, one_time, one_time_share
// column customers: customers with a purchase
// column one_time: those whose lines all have the same time
// column one_time_share: their share
// example: habitue query one-time-buyers
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, min(r.at) AS first_at, max(r.at) AS last_at
WITH count(c) AS customers, sum(CASE WHEN first_at = last_at THEN 1 ELSE 0 END) AS one_time
RETURN customers, one_time, CASE WHEN customers > 0 THEN 1.0 * one_time / customers END AS one_time_share
