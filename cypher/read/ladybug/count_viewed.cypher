// purpose: how many VIEWED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:VIEWED]->(:Product) WHERE r.load > $after
RETURN count(r) AS rows
