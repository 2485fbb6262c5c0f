// purpose: the expected value at risk, laid to the outermost categories by what those customers spend there
// subject: customers
// parameters: min_risk: number = 0.3; limit: integer = 20
// parameter min_risk: least churn risk of the customers counted, 0 to 1
// parameter limit: rows at most
// columns: category, customers, at_risk
// column customers: customers at risk who bought from it
// column at_risk: churn risk times expected value, shared out by where the customer's money went; adds up over categories
// example: habitue query value-at-risk-by-category -p min_risk=0.2
MATCH (c:Customer)
WHERE c.churn_risk >= $min_risk AND c.expected_value IS NOT NULL
MATCH (c)-[r:PURCHASED]->(:Product)-[:IN_CATEGORY]->(k:Category)
WITH c, k, sum(coalesce(r.amount, 0.0)) AS spent
MATCH (k)-[:CHILD_OF*0..9]->(top:Category)
WHERE NOT EXISTS { MATCH (top)-[:CHILD_OF]->(:Category) }
WITH c, top.id AS category, sum(spent) AS spent
WITH c, collect({category: category, spent: spent}) AS found, sum(spent) AS total
WHERE total > 0
UNWIND found AS each
RETURN each.category AS category, count(c) AS customers, sum(c.churn_risk * c.expected_value * each.spent / total) AS at_risk
ORDER BY at_risk DESC, category LIMIT $limit
