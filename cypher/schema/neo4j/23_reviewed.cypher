// purpose: the id of a REVIEWED interaction is unique, and found by an index
// name: reviewed_id
CREATE CONSTRAINT reviewed_id IF NOT EXISTS FOR ()-[r:REVIEWED]-() REQUIRE r.id IS UNIQUE
