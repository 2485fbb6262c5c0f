// purpose: signals written back on the customers of a range
// parameters: low, high: the first and the last id of the range
// columns: id and the signals
MATCH (c:Customer) WHERE c.id >= $low AND c.id <= $high AND c.model IS NOT NULL
RETURN c.id AS id, c.churn_risk AS churn_risk, c.expected_value AS expected_value, c.novelty AS novelty, c.hyperscore AS hyperscore, c.hyperscore_percentile AS hyperscore_percentile, c.scored_at AS scored_at, c.model AS model
