// purpose: how many REDEEMED interactions later loads wrote
// parameters: after: sequence number of a load
// columns: rows
MATCH (:Customer)-[r:REDEEMED]->(:Campaign) WHERE r.load > $after
RETURN count(r) AS rows
