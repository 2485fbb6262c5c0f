// purpose: set properties of products that exist, and keep the old ones aside
// parameters: as lists of equal length: id, name, price, stub; load: that changes them
// columns: none
UNWIND range(0, size($id) - 1) AS i
MATCH (p:Product {id: $id[i]})
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(k:Category)
OPTIONAL MATCH (p)-[:MADE_BY]->(b:Brand)
CREATE (:Replaced {type: 'Product', id: p.id, name: p.name, price: p.price, stub: p.stub, category: k.id, brand: b.id, until: $load})
SET p.name = $name[i], p.price = $price[i], p.stub = $stub[i]
