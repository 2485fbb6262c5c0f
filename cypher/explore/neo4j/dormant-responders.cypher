// purpose: customers who once redeemed a campaign and have not bought for a while
// subject: campaigns and audiences
// parameters: days: integer = 30; limit: integer = 50
// parameter days: least number of days without a purchase, up to the last one of all
// parameter limit: rows at most
// columns: customer, redemptions, last_redeemed_at, last_purchase_at, silent_days, amount
// column silent_days: whole days from the customer's last purchase to the last one of all
// column amount: money spent in all
// example: habitue query dormant-responders -p days=21
MATCH (:Customer)-[r:PURCHASED]->(:Product)
WITH max(r.at) AS until
MATCH (c:Customer)-[m:REDEEMED]->(:Campaign)
WITH until, c, count(m) AS redemptions, max(m.at) AS last_redeemed_at
MATCH (c)-[r:PURCHASED]->(:Product)
WITH until, c, redemptions, last_redeemed_at, max(r.at) AS last_purchase_at, sum(coalesce(r.amount, 0.0)) AS amount
WITH c, redemptions, last_redeemed_at, last_purchase_at, amount, duration.inDays(last_purchase_at, until).days AS silent_days
WHERE silent_days >= $days
RETURN c.id AS customer, redemptions, last_redeemed_at, last_purchase_at, silent_days, amount
ORDER BY amount DESC, customer LIMIT $limit
