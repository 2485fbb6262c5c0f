// purpose: categories that the buyers of one category buy from more than everybody does
// subject: categories and brands
// parameters: category: text; min_buyers: integer = 20; limit: integer = 20
// parameter category: id of a category; those below it count too
// parameter min_buyers: customers who must have bought from both
// parameter limit: rows at most
// columns: category, buyers, confidence, lift
// column category: a category that products stand in directly, outside the given one
// column buyers: customers who bought from both
// column confidence: their share of the given category's buyers
// column lift: confidence over the other category's share of all customers with a purchase; 1 is chance
// example: habitue query category-affinity -p category=FLORAL -p min_buyers=100
MATCH (c:Customer)
WHERE EXISTS { MATCH (c)-[:PURCHASED]->(:Product) }
WITH count(c) AS customers
MATCH (:Category {id: $category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(:Product)<-[:PURCHASED]-(c:Customer)
WITH customers, count(DISTINCT c) AS own_buyers
MATCH (:Category {id: $category})<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(:Product)<-[:PURCHASED]-(c:Customer)
WITH DISTINCT customers, own_buyers, c
MATCH (c)-[:PURCHASED]->(:Product)-[:IN_CATEGORY]->(k:Category)
WITH customers, own_buyers, k, count(DISTINCT c) AS buyers
WHERE buyers >= $min_buyers AND NOT EXISTS { MATCH (k)-[:CHILD_OF*0..9]->(:Category {id: $category}) }
MATCH (k)<-[:IN_CATEGORY]-(:Product)<-[:PURCHASED]-(c:Customer)
WITH customers, own_buyers, k, buyers, count(DISTINCT c) AS other_buyers
RETURN k.id AS category, buyers, 1.0 * buyers / own_buyers AS confidence,
  1.0 * buyers * customers / (own_buyers * other_buyers) AS lift
ORDER BY lift DESC, category LIMIT $limit
