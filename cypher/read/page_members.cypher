// purpose: memberships in audiences of the customers of a range
// parameters: low, high: the first and the last id of the range
// columns: source, target, score, rank, run
MATCH (c:Customer)-[m:IN_AUDIENCE]->(a:Audience) WHERE c.id >= $low AND c.id <= $high
RETURN c.id AS source, a.id AS target, m.score AS score, m.rank AS rank, m.run AS run
