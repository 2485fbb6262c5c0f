// purpose: remove HAS_PROPERTY relationships of interrupted loads, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH ()-[r:HAS_PROPERTY]->() WHERE r.load IN $loads
WITH r LIMIT $limit
DELETE r
