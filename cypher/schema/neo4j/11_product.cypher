// purpose: the id of products is unique, and found by an index
// name: product_id
CREATE CONSTRAINT product_id IF NOT EXISTS FOR (n:Product) REQUIRE n.id IS UNIQUE
