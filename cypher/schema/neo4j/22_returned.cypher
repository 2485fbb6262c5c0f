// purpose: the id of a RETURNED interaction is unique, and found by an index
// name: returned_id
CREATE CONSTRAINT returned_id IF NOT EXISTS FOR ()-[r:RETURNED]-() REQUIRE r.id IS UNIQUE
