// purpose: nodes of complete loads by label, and how many have each property
// parameters: none
// columns: label, total, properties, filled
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:Customer) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0, count(n.churn_risk) AS n1, count(n.expected_value) AS n2, count(n.novelty) AS n3, count(n.hyperscore) AS n4, count(n.hyperscore_percentile) AS n5, count(n.scored_at) AS n6, count(n.model) AS n7
RETURN 'Customer' AS label, total, ['id', 'churn_risk', 'expected_value', 'novelty', 'hyperscore', 'hyperscore_percentile', 'scored_at', 'model'] AS properties, [n0, n1, n2, n3, n4, n5, n6, n7] AS filled
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:Product) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0, count(n.name) AS n1, count(n.price) AS n2, count(n.stub) AS n3
RETURN 'Product' AS label, total, ['id', 'name', 'price', 'stub'] AS properties, [n0, n1, n2, n3] AS filled
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:Category) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0, count(n.name) AS n1
RETURN 'Category' AS label, total, ['id', 'name'] AS properties, [n0, n1] AS filled
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:Brand) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0
RETURN 'Brand' AS label, total, ['id'] AS properties, [n0] AS filled
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:Campaign) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0, count(n.start) AS n1, count(n.`end`) AS n2
RETURN 'Campaign' AS label, total, ['id', 'start', 'end'] AS properties, [n0, n1, n2] AS filled
UNION ALL
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (n:PropertyValue) WHERE NOT n.load IN incomplete
WITH count(n) AS total, count(n.id) AS n0, count(n.name) AS n1, count(n.value) AS n2
RETURN 'PropertyValue' AS label, total, ['id', 'name', 'value'] AS properties, [n0, n1, n2] AS filled
UNION ALL
MATCH (n:Audience)
WITH count(n) AS total, count(n.id) AS n0, count(n.name) AS n1, count(n.created_at) AS n2
RETURN 'Audience' AS label, total, ['id', 'name', 'created_at'] AS properties, [n0, n1, n2] AS filled
