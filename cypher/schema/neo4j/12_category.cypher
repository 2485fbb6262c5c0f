// purpose: the id of categories is unique, and found by an index
// name: category_id
CREATE CONSTRAINT category_id IF NOT EXISTS FOR (n:Category) REQUIRE n.id IS UNIQUE
