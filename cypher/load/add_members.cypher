// purpose: write members of an audience
// parameters: rows: id, score, rank, run; audience
// columns: none
UNWIND $rows AS row
MATCH (c:Customer {id: row.id})
WITH c, row
MATCH (a:Audience {id: $audience})
CREATE (c)-[:IN_AUDIENCE {score: row.score, rank: row.rank, run: row.run}]->(a)
