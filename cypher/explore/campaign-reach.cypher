// purpose: each campaign's contacts and redemptions
// subject: campaigns and audiences
// parameters: limit: integer = 50
// parameter limit: rows at most
// columns: campaign, contacted, redeemers, redemptions, redemption_rate
// column contacted: customers contacted
// column redeemers: customers who redeemed, contacted or not
// column redemptions: how often they redeemed
// column redemption_rate: customers contacted who redeemed, over those contacted
// example: habitue query campaign-reach
MATCH (m:Campaign)
OPTIONAL MATCH (m)<-[:CONTACTED]-(c:Customer)
WITH m, count(DISTINCT c) AS contacted
OPTIONAL MATCH (m)<-[r:REDEEMED]-(c:Customer)
WITH m, contacted, count(DISTINCT c) AS redeemers, count(r) AS redemptions
OPTIONAL MATCH (m)<-[:REDEEMED]-(c:Customer)
WHERE EXISTS { MATCH (c)-[:CONTACTED]->(m) }
WITH m, contacted, redeemers, redemptions, count(DISTINCT c) AS both
RETURN m.id AS campaign, contacted, redeemers, redemptions,
  CASE WHEN contacted > 0 THEN 1.0 * both / contacted END AS redemption_rate
ORDER BY contacted DESC, campaign LIMIT $limit
