// purpose: all customer ids
// parameters: none
// columns: id
MATCH (c:Customer) RETURN c.id AS id
