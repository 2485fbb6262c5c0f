// purpose: add products
// parameters: rows: columns of the nodes; load: its sequence number
// columns: none
UNWIND $rows AS row CREATE (:Product {id: row.id, name: row.name, price: row.price, stub: row.stub, load: $load})
