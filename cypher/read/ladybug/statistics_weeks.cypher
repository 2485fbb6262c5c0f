// purpose: interactions by type and week, a week beginning on Monday
// parameters: none
// columns: type, week, interactions, first_at, last_at
MATCH (:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->()
RETURN label(r) AS type, date_trunc('week', r.at) AS week, count(r) AS interactions, min(r.at) AS first_at, max(r.at) AS last_at
