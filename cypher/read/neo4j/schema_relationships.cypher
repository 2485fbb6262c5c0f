// purpose: relationships of complete loads by type and ends, how many have each property, and when they happened
// parameters: none
// columns: type, source, target, total, properties, filled, first_at, last_at
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (a)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->(b) WHERE NOT r.load IN incomplete
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total, count(r.id) AS n0, count(r.at) AS n1, count(r.known_at) AS n2, count(r.quantity) AS n3, count(r.amount) AS n4, count(r.discount) AS n5, count(r.order_id) AS n6, count(r.channel) AS n7, count(r.rating) AS n8, count(r.treatment) AS n9, count(r.load) AS n10, min(r.at) AS first_at, max(r.at) AS last_at
RETURN type, source, target, total, ['id', 'at', 'known_at', 'quantity', 'amount', 'discount', 'order_id', 'channel', 'rating', 'treatment', 'load'] AS properties, [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10] AS filled, first_at, last_at
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (a)-[r:SUPERSEDED]->(b) WHERE NOT r.load IN incomplete
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total, count(r.id) AS n0, count(r.at) AS n1, count(r.known_at) AS n2, count(r.quantity) AS n3, count(r.amount) AS n4, count(r.discount) AS n5, count(r.order_id) AS n6, count(r.channel) AS n7, count(r.rating) AS n8, count(r.treatment) AS n9, count(r.load) AS n10, count(r.type) AS n11, count(r.superseded_at) AS n12, min(r.at) AS first_at, max(r.at) AS last_at
RETURN type, source, target, total, ['id', 'at', 'known_at', 'quantity', 'amount', 'discount', 'order_id', 'channel', 'rating', 'treatment', 'load', 'type', 'superseded_at'] AS properties, [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12] AS filled, first_at, last_at
UNION ALL
MATCH (a)-[r:IN_CATEGORY]->(b)
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total
RETURN type, source, target, total, [''] AS properties, [0] AS filled, null AS first_at, null AS last_at
UNION ALL
MATCH (a)-[r:CHILD_OF]->(b)
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total
RETURN type, source, target, total, [''] AS properties, [0] AS filled, null AS first_at, null AS last_at
UNION ALL
MATCH (a)-[r:MADE_BY]->(b)
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total
RETURN type, source, target, total, [''] AS properties, [0] AS filled, null AS first_at, null AS last_at
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (a)-[r:HAS_PROPERTY]->(b) WHERE NOT r.load IN incomplete
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total, count(r.valid_from) AS n0
RETURN type, source, target, total, ['valid_from'] AS properties, [n0] AS filled, null AS first_at, null AS last_at
UNION ALL
MATCH (a)-[r:SIMILAR_TO]->(b)
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total, count(r.score) AS n0, count(r.model) AS n1
RETURN type, source, target, total, ['score', 'model'] AS properties, [n0, n1] AS filled, null AS first_at, null AS last_at
UNION ALL
MATCH (a)-[r:IN_AUDIENCE]->(b)
WITH type(r) AS type, labels(a)[0] AS source, labels(b)[0] AS target, count(r) AS total, count(r.score) AS n0, count(r.rank) AS n1, count(r.run) AS n2
RETURN type, source, target, total, ['score', 'rank', 'run'] AS properties, [n0, n1, n2] AS filled, null AS first_at, null AS last_at
