// purpose: the server's number of every Campaign node, by which exports name it: shorter than ids, and read without the node
// parameters: none
// columns: number, id
MATCH (t:Campaign) RETURN id(t) AS number, t.id AS id
