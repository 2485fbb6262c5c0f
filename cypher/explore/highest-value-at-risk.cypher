// purpose: customers whose expected value is most at risk: churn risk times expected value
// parameters: min_risk: number = 0.3; limit: integer = 20
// columns: customer, churn_risk, expected_value, at_risk, hyperscore_percentile
MATCH (c:Customer)
WHERE c.churn_risk >= $min_risk
RETURN c.id AS customer, c.churn_risk AS churn_risk, c.expected_value AS expected_value, c.churn_risk * c.expected_value AS at_risk, c.hyperscore_percentile AS hyperscore_percentile
ORDER BY at_risk DESC, customer LIMIT $limit
