// purpose: what interrupted loads were writing
// parameters: none
// columns: sequence, content
MATCH (l:Load) WHERE NOT l.complete RETURN l.id AS sequence, l.content AS content
