// purpose: how many PURCHASED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:PURCHASED]->(:Product) WHERE r.load > $after
RETURN count(r) AS rows
