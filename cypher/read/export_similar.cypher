// purpose: similarities between customers
// parameters: none
// columns: source, target, score, model
MATCH (a:Customer)-[s:SIMILAR_TO]->(b:Customer) RETURN a.id AS source, b.id AS target, s.score AS score, s.model AS model
