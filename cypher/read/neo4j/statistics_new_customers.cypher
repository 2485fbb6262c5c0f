// purpose: customers by the week of their first interaction of a complete load, a week beginning on Monday
// parameters: none
// columns: week, customers
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (c:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->() WHERE NOT r.load IN incomplete
WITH c, min(r.at) AS first
RETURN localdatetime.truncate('week', first) AS week, count(c) AS customers
