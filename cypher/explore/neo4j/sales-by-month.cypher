// purpose: customers, orders and money by month
// subject: time and orders
// parameters: none
// columns: month, customers, orders, lines, amount
// column month: such as 2017-01
// column customers: customers with a purchase
// column orders: different order_ids
// column lines: purchase lines
// column amount: money spent
// example: habitue query sales-by-month
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH left(toString(r.at), 7) AS month, c, r
RETURN month, count(DISTINCT c) AS customers, count(DISTINCT r.order_id) AS orders, count(r) AS lines, sum(coalesce(r.amount, 0.0)) AS amount
ORDER BY month
