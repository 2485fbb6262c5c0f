// purpose: the id of data sets is unique, and found by an index
// name: dataset_id
CREATE CONSTRAINT dataset_id IF NOT EXISTS FOR (n:Dataset) REQUIRE n.id IS UNIQUE
