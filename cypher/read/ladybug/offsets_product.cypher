// purpose: ids of all Product nodes with the offsets that stand for them in exports
// parameters: none
// columns: offset, id
MATCH (n:Product) RETURN offset(id(n)) AS offset, n.id AS id
