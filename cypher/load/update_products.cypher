// purpose: set properties of products that exist
// parameters: rows: id, name, price, stub
// columns: none
UNWIND $rows AS row
MATCH (p:Product {id: row.id})
SET p.name = row.name, p.price = row.price, p.stub = row.stub
