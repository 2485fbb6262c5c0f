// purpose: remove PURCHASED interactions of interrupted loads, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH ()-[r:PURCHASED]->() WHERE r.load IN $loads
WITH r LIMIT $limit
DELETE r
