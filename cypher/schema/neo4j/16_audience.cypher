// purpose: the id of audiences is unique, and found by an index
// name: audience_id
CREATE CONSTRAINT audience_id IF NOT EXISTS FOR (n:Audience) REQUIRE n.id IS UNIQUE
