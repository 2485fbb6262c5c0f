// purpose: of the customers who began in a month, how many bought in each later month
// subject: time and orders
// parameters: none
// columns: cohort, months_later, customers, cohort_size, retention
// column cohort: month of the first purchase, such as 2017-01
// column months_later: calendar months since; months without any purchase of the cohort are left out
// column customers: customers of the cohort who bought in that month
// column cohort_size: all customers of the cohort
// column retention: customers over cohort_size
// example: habitue query cohort-retention
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, min(r.at) AS first_at
MATCH (c)-[r:PURCHASED]->(:Product)
WITH DISTINCT c, left(toString(first_at), 7) AS cohort,
  12 * (r.at.year - first_at.year) + r.at.month - first_at.month AS months_later
WITH cohort, months_later, count(c) AS customers
WITH cohort, collect({months_later: months_later, customers: customers}) AS found, max(customers) AS cohort_size
UNWIND found AS each
RETURN cohort, each.months_later AS months_later, each.customers AS customers, cohort_size,
  1.0 * each.customers / cohort_size AS retention
ORDER BY cohort, months_later
