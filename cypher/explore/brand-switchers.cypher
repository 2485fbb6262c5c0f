// purpose: from which brand to which customers moved within a category
// subject: categories and brands
// parameters: category: text; split: date; limit: integer = 20
// parameter category: id of a category; those below it count too
// parameter split: the date between before and after
// parameter limit: rows at most
// columns: from_brand, to_brand, customers
// column from_brand: bought in the category before the date and not from then on
// column to_brand: bought in the category from the date on and not before
// column customers: customers of whom both are true
// example: habitue query brand-switchers -p category="GROCERY/SOFT DRINKS" -p split=2017-07-01
MATCH (:Category {id: $category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(p:Product)-[:MADE_BY]->(b:Brand)
MATCH (p)<-[r:PURCHASED]-(c:Customer)
WITH c, b.id AS brand, min(r.at) AS first_at, max(r.at) AS last_at
WITH c, collect(CASE WHEN last_at < $split THEN brand END) AS dropped, collect(CASE WHEN first_at >= $split THEN brand END) AS taken_up
UNWIND dropped AS from_brand
UNWIND taken_up AS to_brand
RETURN from_brand, to_brand, count(c) AS customers
ORDER BY customers DESC, from_brand, to_brand LIMIT $limit
