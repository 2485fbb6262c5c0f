// purpose: the id of a CONTACTED interaction is unique, and found by an index
// name: contacted_id
CREATE CONSTRAINT contacted_id IF NOT EXISTS FOR ()-[r:CONTACTED]-() REQUIRE r.id IS UNIQUE
