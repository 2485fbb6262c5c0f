// purpose: add products
// parameters: as lists of equal length: id, name, price, stub; load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
CREATE (:Product {id: $id[i], name: $name[i], price: $price[i], stub: $stub[i], load: $load})
