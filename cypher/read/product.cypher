// purpose: one product
// parameters: id: the product
// columns: id, name
MATCH (p:Product {id: $id}) RETURN p.id AS id, p.name AS name
