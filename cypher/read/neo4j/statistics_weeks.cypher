// purpose: interactions of complete loads by type and week, a week beginning on Monday
// parameters: none
// columns: type, week, interactions, first_at, last_at
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->() WHERE NOT r.load IN incomplete
RETURN type(r) AS type, localdatetime.truncate('week', r.at) AS week, count(r) AS interactions, min(r.at) AS first_at, max(r.at) AS last_at
