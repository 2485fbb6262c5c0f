// purpose: customers know which load was the last to bring them interactions
// parameters: limit: how many customers at once; run until it changes nothing more
// columns: none
MATCH (c:Customer) WHERE c.last_load IS NULL
WITH c LIMIT $limit
OPTIONAL MATCH (c)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED|SUPERSEDED]->()
WITH c, max(r.load) AS newest
SET c.last_load = coalesce(newest, 0)
