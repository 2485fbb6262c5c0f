// purpose: each campaign's contacts and redemptions
// parameters: limit: integer = 50
// columns: campaign, contacted, redeemed
MATCH (m:Campaign)
RETURN m.id AS campaign, COUNT { MATCH (:Customer)-[:CONTACTED]->(m) } AS contacted, COUNT { MATCH (:Customer)-[:REDEEMED]->(m) } AS redeemed
ORDER BY contacted DESC, campaign LIMIT $limit
