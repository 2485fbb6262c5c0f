// purpose: customers whose expected value is most at risk: churn risk times expected value
// subject: customers
// parameters: min_risk: number = 0.3; limit: integer = 20
// parameter min_risk: least churn risk, 0 to 1
// parameter limit: rows at most
// columns: customer, churn_risk, expected_value, at_risk, hyperscore_percentile
// column churn_risk: probability of no purchase within the model's horizon
// column expected_value: money expected within the horizon
// column at_risk: churn_risk times expected_value
// column hyperscore_percentile: 0 to 100
// example: habitue query highest-value-at-risk -p min_risk=0.5
MATCH (c:Customer)
WHERE c.churn_risk >= $min_risk AND c.expected_value IS NOT NULL
RETURN c.id AS customer, c.churn_risk AS churn_risk, c.expected_value AS expected_value,
  c.churn_risk * c.expected_value AS at_risk, c.hyperscore_percentile AS hyperscore_percentile
ORDER BY at_risk DESC, customer LIMIT $limit
