// purpose: those of some customers that complete loads have brought
// parameters: ids: of customers; latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id
UNWIND $ids AS id
MATCH (c:Customer {id: id}) WHERE c.load <= $latest AND NOT c.load IN $incomplete
RETURN c.id AS id
