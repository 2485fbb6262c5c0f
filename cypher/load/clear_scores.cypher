// purpose: remove all signals from customers
// parameters: none
// columns: none
MATCH (c:Customer) WHERE c.model IS NOT NULL
SET c.churn_risk = NULL, c.expected_value = NULL, c.novelty = NULL, c.hyperscore = NULL, c.hyperscore_percentile = NULL, c.scored_at = NULL, c.model = NULL
