// purpose: customers by the week of their first interaction, a week beginning on Monday
// parameters: none
// columns: week, customers
MATCH (c:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->()
WITH c, min(r.at) AS first
RETURN date_trunc('week', first) AS week, count(c) AS customers
