// purpose: all brand ids
// parameters: none
// columns: id
MATCH (b:Brand) RETURN b.id AS id
