// purpose: the id of a PURCHASED interaction is unique, and found by an index
// name: purchased_id
CREATE CONSTRAINT purchased_id IF NOT EXISTS FOR ()-[r:PURCHASED]-() REQUIRE r.id IS UNIQUE
