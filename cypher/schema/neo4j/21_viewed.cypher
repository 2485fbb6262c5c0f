// purpose: the id of a VIEWED interaction is unique, and found by an index
// name: viewed_id
CREATE CONSTRAINT viewed_id IF NOT EXISTS FOR ()-[r:VIEWED]-() REQUIRE r.id IS UNIQUE
