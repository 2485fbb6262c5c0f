// purpose: how many products have few and how many have many customers
// subject: products
// parameters: none
// columns: customers_from, products, lines
// column customers_from: least number of customers in the class; it ends where the next begins
// column products: products bought by so many customers; those never bought are left out
// column lines: purchase lines of these products
// example: habitue query degree-distribution
MATCH (c:Customer)-[r:PURCHASED]->(p:Product)
WHERE p.id <> '__no_product__'
WITH p, count(DISTINCT c) AS customers, count(r) AS lines
WITH CASE WHEN customers < 2 THEN 1 WHEN customers < 5 THEN 2 WHEN customers < 10 THEN 5 WHEN customers < 100 THEN 10
  WHEN customers < 1000 THEN 100 WHEN customers < 10000 THEN 1000 ELSE 10000 END AS customers_from, lines
RETURN customers_from, count(*) AS products, sum(lines) AS lines
ORDER BY customers_from
