// purpose: ids of all Customer nodes with the offsets that stand for them in exports
// parameters: none
// columns: offset, id
MATCH (n:Customer) RETURN offset(id(n)) AS offset, n.id AS id
