// purpose: the id of loads is unique, and found by an index
// name: load_id
CREATE CONSTRAINT load_id IF NOT EXISTS FOR (n:Load) REQUIRE n.id IS UNIQUE
