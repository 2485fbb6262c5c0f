// purpose: remove VIEWED interactions of interrupted loads, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH ()-[r:VIEWED]->() WHERE r.load IN $loads
WITH r LIMIT $limit
DELETE r
