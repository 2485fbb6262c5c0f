// purpose: the id of brands is unique, and found by an index
// name: brand_id
CREATE CONSTRAINT brand_id IF NOT EXISTS FOR (n:Brand) REQUIRE n.id IS UNIQUE
