// purpose: customers at low risk whose similar customers are at high risk
// subject: customers
// parameters: max_risk: number = 0.2; min_similar_risk: number = 0.3; limit: integer = 20
// parameter max_risk: the customer's own churn risk at most, 0 to 1
// parameter min_similar_risk: mean churn risk of the similar customers at least, 0 to 1
// parameter limit: rows at most
// columns: customer, churn_risk, similar, similar_risk, expected_value
// column churn_risk: the customer's own
// column similar: how many similar customers there are
// column similar_risk: their mean churn risk
// column expected_value: money expected of the customer within the horizon
// example: habitue query surrounded-by-risk -p max_risk=0.3
MATCH (c:Customer)-[:SIMILAR_TO]->(other:Customer)
WHERE c.churn_risk <= $max_risk AND other.churn_risk IS NOT NULL
WITH c, count(other) AS similar, avg(other.churn_risk) AS similar_risk
WHERE similar_risk >= $min_similar_risk
RETURN c.id AS customer, c.churn_risk AS churn_risk, similar, similar_risk, c.expected_value AS expected_value
ORDER BY similar_risk DESC, customer LIMIT $limit
