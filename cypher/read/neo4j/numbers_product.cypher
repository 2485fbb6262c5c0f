// purpose: the server's number of every Product node, by which exports name it: shorter than ids, and read without the node
// parameters: none
// columns: number, id
MATCH (t:Product) RETURN id(t) AS number, t.id AS id
