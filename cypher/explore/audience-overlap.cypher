// purpose: how far audiences written on the graph hold the same customers
// subject: campaigns and audiences
// parameters: limit: integer = 50
// parameter limit: rows at most
// columns: audience, other_audience, members, other_members, shared, jaccard
// column members: customers in the first audience
// column other_members: customers in the other
// column shared: customers in both; pairs without any are left out
// column jaccard: shared over the customers in either, 0 to 1
// example: habitue query audience-overlap
MATCH (a:Audience)<-[:IN_AUDIENCE]-(c:Customer)-[:IN_AUDIENCE]->(b:Audience)
WHERE a.id < b.id
WITH a, b, count(DISTINCT c) AS shared
MATCH (a)<-[:IN_AUDIENCE]-(c:Customer)
WITH a, b, shared, count(DISTINCT c) AS members
MATCH (b)<-[:IN_AUDIENCE]-(c:Customer)
WITH a, b, shared, members, count(DISTINCT c) AS other_members
RETURN a.id AS audience, b.id AS other_audience, members, other_members, shared,
  1.0 * shared / (members + other_members - shared) AS jaccard
ORDER BY jaccard DESC, audience, other_audience LIMIT $limit
