// purpose: the id of campaigns is unique, and found by an index
// name: campaign_id
CREATE CONSTRAINT campaign_id IF NOT EXISTS FOR (n:Campaign) REQUIRE n.id IS UNIQUE
