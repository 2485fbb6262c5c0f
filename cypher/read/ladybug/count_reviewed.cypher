// purpose: how many REVIEWED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:REVIEWED]->(:Product) WHERE r.load > $after
RETURN count(r) AS rows
