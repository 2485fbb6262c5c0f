// purpose: how much of their spending in a category the buyers of each brand give to it
// subject: categories and brands
// parameters: category: text; min_buyers: integer = 5; limit: integer = 20
// parameter category: id of a category; those below it count too
// parameter min_buyers: customers who must have bought the brand in the category
// parameter limit: rows at most
// columns: brand, buyers, sole_buyers, amount, share_of_requirements
// column buyers: customers who bought the brand in the category
// column sole_buyers: those who bought no other brand in it
// column amount: money spent on the brand in the category
// column share_of_requirements: amount over all that its buyers spent on any brand in the category
// example: habitue query brand-loyalty -p category="GROCERY/SOFT DRINKS"
MATCH (:Category {id: $category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(p:Product)-[:MADE_BY]->(b:Brand)
MATCH (p)<-[r:PURCHASED]-(c:Customer)
WITH c, b.id AS brand, sum(coalesce(r.amount, 0.0)) AS spent
WITH c, collect({brand: brand, spent: spent}) AS found, sum(spent) AS total
UNWIND found AS each
WITH each.brand AS brand, count(c) AS buyers, sum(CASE WHEN size(found) = 1 THEN 1 ELSE 0 END) AS sole_buyers,
  sum(each.spent) AS amount, sum(total) AS total
WHERE buyers >= $min_buyers
RETURN brand, buyers, sole_buyers, amount, CASE WHEN total > 0 THEN amount / total END AS share_of_requirements
ORDER BY amount DESC, brand LIMIT $limit
