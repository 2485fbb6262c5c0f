// purpose: how many RETURNED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:RETURNED]->(:Product) WHERE r.load > $after
RETURN count(r) AS rows
