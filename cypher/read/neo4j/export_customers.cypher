// purpose: all customers of complete loads
// parameters: latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id
MATCH (c:Customer) WHERE c.load <= $latest AND NOT c.load IN $incomplete RETURN c.id AS id
