// purpose: earlier customers who bought from a category for the first time
// subject: categories and brands
// parameters: category: text; since: date; limit: integer = 50
// parameter category: id of a category; those below it count too
// parameter since: first purchases from then on count, of customers who bought something else before
// parameter limit: rows at most
// columns: customer, first_at, lines, amount
// column first_at: the first purchase from the category
// column lines: purchase lines in it
// column amount: money spent in it
// example: habitue query new-to-category -p category=FLORAL -p since=2017-10-01
MATCH (:Category {id: $category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(:Product)<-[r:PURCHASED]-(c:Customer)
WITH c, min(r.at) AS first_at, count(r) AS lines, sum(coalesce(r.amount, 0.0)) AS amount
WHERE first_at >= $since AND EXISTS { MATCH (c)-[s:PURCHASED]->(:Product) WHERE s.at < $since }
RETURN c.id AS customer, first_at, lines, amount
ORDER BY first_at DESC, customer LIMIT $limit
