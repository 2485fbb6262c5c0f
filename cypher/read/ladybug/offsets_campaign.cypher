// purpose: ids of all Campaign nodes with the offsets that stand for them in exports
// parameters: none
// columns: offset, id
MATCH (n:Campaign) RETURN offset(id(n)) AS offset, n.id AS id
