// purpose: the id of a REDEEMED interaction is unique, and found by an index
// name: redeemed_id
CREATE CONSTRAINT redeemed_id IF NOT EXISTS FOR ()-[r:REDEEMED]-() REQUIRE r.id IS UNIQUE
