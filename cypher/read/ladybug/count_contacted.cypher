// purpose: how many CONTACTED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:CONTACTED]->(:Campaign) WHERE r.load > $after
RETURN count(r) AS rows
