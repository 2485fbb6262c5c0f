// purpose: what contacted customers bought in the days before and after the contact; who is contacted is chosen, so it is no proof
// subject: campaigns and audiences
// parameters: days: integer = 30; limit: integer = 50
// parameter days: length of each of the two periods
// parameter limit: rows at most
// columns: campaign, contacted, lines_before, lines_after, amount_before, amount_after, change
// column contacted: customers contacted; the first contact counts
// column lines_before: purchase lines in the days before it
// column lines_after: purchase lines in as many days from it on
// column amount_before: money spent in the days before it
// column amount_after: money spent in as many days from it on
// column change: amount_after over amount_before, less 1; null where nothing was spent before
// example: habitue query campaign-influence -p days=30
MATCH (m:Campaign)<-[k:CONTACTED]-(c:Customer)
WITH m, c, min(k.at) AS contact_at
OPTIONAL MATCH (c)-[r:PURCHASED]->(:Product)
WHERE r.at >= contact_at - to_days(CAST($days AS INT64)) AND r.at < contact_at + to_days(CAST($days AS INT64))
WITH m.id AS campaign, count(DISTINCT c) AS contacted, sum(CASE WHEN r.at < contact_at THEN 1 ELSE 0 END) AS lines_before,
  sum(CASE WHEN r.at >= contact_at THEN 1 ELSE 0 END) AS lines_after,
  sum(CASE WHEN r.at < contact_at THEN coalesce(r.amount, 0.0) ELSE 0.0 END) AS amount_before,
  sum(CASE WHEN r.at >= contact_at THEN coalesce(r.amount, 0.0) ELSE 0.0 END) AS amount_after
RETURN campaign, contacted, lines_before, lines_after, amount_before, amount_after,
  CASE WHEN amount_before > 0 THEN amount_after / amount_before - 1 END AS change
ORDER BY contacted DESC, campaign LIMIT $limit
