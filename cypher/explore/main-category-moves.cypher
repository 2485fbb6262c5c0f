// purpose: customers whose main category changed from one period to the next, from which to which
// subject: categories and brands
// parameters: category: text; since: date; split: date; until: date; limit: integer = 50
// parameter category: id of a category; the categories directly below it are compared
// parameter since: where the first period begins
// parameter split: where the first period ends and the second begins
// parameter until: where the second period ends; not part of it
// parameter limit: rows at most
// columns: from_category, to_category, customers
// column from_category: where the customer spent most in the first period; of equal ones, the first by id
// column to_category: the same in the second period
// column customers: customers who spent in both periods; those who stayed have both categories equal
// example: habitue query main-category-moves -p category=PRODUCE -p since=2017-01-01 -p split=2017-07-01 -p until=2018-01-01
MATCH (:Category {id: $category})<-[:CHILD_OF]-(k:Category)
MATCH (k)<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(:Product)<-[r:PURCHASED]-(c:Customer)
WHERE r.at >= $since AND r.at < $until AND r.amount > 0
WITH c, k.id AS category, sum(CASE WHEN r.at < $split THEN r.amount ELSE 0.0 END) AS before,
  sum(CASE WHEN r.at >= $split THEN r.amount ELSE 0.0 END) AS after
WITH c, collect({category: category, before: before, after: after}) AS found, max(before) AS most_before, max(after) AS most_after
WHERE most_before > 0 AND most_after > 0
UNWIND found AS each
WITH c, min(CASE WHEN each.before = most_before THEN each.category END) AS from_category,
  min(CASE WHEN each.after = most_after THEN each.category END) AS to_category
RETURN from_category, to_category, count(c) AS customers
ORDER BY customers DESC, from_category, to_category LIMIT $limit
