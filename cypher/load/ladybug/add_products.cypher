// purpose: add products
// parameters: rows: id, name, price, stub
// columns: none
UNWIND $rows AS row CREATE (:Product {id: row.id, name: row.name, price: row.price, stub: row.stub})
