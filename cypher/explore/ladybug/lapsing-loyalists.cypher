// purpose: regular customers who have been silent for much longer than they used to be
// subject: customers
// parameters: min_purchases: integer = 10; times: number = 5; limit: integer = 50
// parameter min_purchases: times at which the customer must have bought
// parameter times: how many of the customer's own mean gaps the silence must exceed
// parameter limit: rows at most
// columns: customer, purchases, mean_gap_days, silent_days, amount, churn_risk
// column purchases: different times at which the customer bought
// column mean_gap_days: mean number of days between two of them
// column silent_days: days from the customer's last purchase to the last one of all
// column amount: money spent in all
// column churn_risk: probability of no purchase within the model's horizon; null where not scored
// example: habitue query lapsing-loyalists -p min_purchases=20 -p times=8
MATCH (:Customer)-[r:PURCHASED]->(:Product)
WITH max(r.at) AS until
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH until, c, count(DISTINCT r.at) AS purchases, min(r.at) AS first_at, max(r.at) AS last_at, sum(coalesce(r.amount, 0.0)) AS amount
WHERE purchases > 1 AND purchases >= $min_purchases
WITH c, purchases, amount, (to_epoch_ms(last_at) - to_epoch_ms(first_at)) / 86400000.0 / (purchases - 1) AS mean_gap_days,
  (to_epoch_ms(until) - to_epoch_ms(last_at)) / 86400000.0 AS silent_days
WHERE silent_days > $times * mean_gap_days
RETURN c.id AS customer, purchases, mean_gap_days, silent_days, amount, c.churn_risk AS churn_risk
ORDER BY amount DESC, customer LIMIT $limit
