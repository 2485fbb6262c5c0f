// purpose: write signals on customers
// parameters: rows: id and the signals, scored_at in epoch milliseconds
// columns: none
UNWIND $rows AS row
MATCH (c:Customer {id: row.id})
SET c.churn_risk = row.churn_risk, c.expected_value = row.expected_value, c.novelty = row.novelty, c.hyperscore = row.hyperscore, c.hyperscore_percentile = row.hyperscore_percentile, c.scored_at = localdatetime({datetime: datetime({epochMillis: row.scored_at})}), c.model = row.model
