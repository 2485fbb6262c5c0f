// purpose: members of audiences
// parameters: none
// columns: source, target, score, rank, run
MATCH (c:Customer)-[m:IN_AUDIENCE]->(a:Audience) RETURN c.id AS source, a.id AS target, m.score AS score, m.rank AS rank, m.run AS run
