// purpose: remove category and brand of products that get new ones
// parameters: ids: products
// columns: none
MATCH (p:Product)-[r:IN_CATEGORY|MADE_BY]->() WHERE p.id IN $ids
DELETE r
