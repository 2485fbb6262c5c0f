// purpose: remove category and brand of a product that gets new ones
// parameters: id: the product
// columns: none
MATCH (p:Product {id: $id})-[r:IN_CATEGORY|MADE_BY]->()
DELETE r
