// purpose: products as they are until an interrupted load completes
// parameters: incomplete: sequence numbers of interrupted loads
// columns: id, name, price, category, brand, stub
MATCH (v:Replaced {type: 'Product'}) WHERE v.until IN $incomplete
RETURN v.id AS id, v.name AS name, v.price AS price, v.category AS category, v.brand AS brand, v.stub AS stub
