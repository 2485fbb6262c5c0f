// purpose: similarities of the customers of a range
// parameters: low, high: the first and the last id of the range
// columns: source, target, score, model
MATCH (c:Customer)-[s:SIMILAR_TO]->(o:Customer) WHERE c.id >= $low AND c.id <= $high
RETURN c.id AS source, o.id AS target, s.score AS score, s.model AS model
