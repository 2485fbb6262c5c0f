// purpose: a customer's interactions by type: how many, how much, first and last
// parameters: id: the customer
// columns: type, events, amount, first_at, last_at
MATCH (c:Customer {id: $id})-[r:PURCHASED]->() RETURN 'PURCHASED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
UNION ALL
MATCH (c:Customer {id: $id})-[r:VIEWED]->() RETURN 'VIEWED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
UNION ALL
MATCH (c:Customer {id: $id})-[r:RETURNED]->() RETURN 'RETURNED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
UNION ALL
MATCH (c:Customer {id: $id})-[r:REVIEWED]->() RETURN 'REVIEWED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
UNION ALL
MATCH (c:Customer {id: $id})-[r:CONTACTED]->() RETURN 'CONTACTED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
UNION ALL
MATCH (c:Customer {id: $id})-[r:REDEEMED]->() RETURN 'REDEEMED' AS type, count(r) AS events, CASE WHEN count(r.amount) > 0 THEN sum(r.amount) END AS amount, min(r.at) AS first_at, max(r.at) AS last_at
