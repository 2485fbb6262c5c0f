// purpose: customers, orders and money by day of the week
// subject: time and orders
// parameters: none
// columns: weekday, customers, orders, lines, amount
// column weekday: 1 is Monday, 7 is Sunday; times are UTC
// column customers: customers with a purchase
// column orders: different order_ids
// column lines: purchase lines
// column amount: money spent
// example: habitue query sales-by-weekday
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH (date_part('dow', r.at) + 6) % 7 + 1 AS weekday, c, r
RETURN weekday, count(DISTINCT c) AS customers, count(DISTINCT r.order_id) AS orders, count(r) AS lines, sum(coalesce(r.amount, 0.0)) AS amount
ORDER BY weekday
