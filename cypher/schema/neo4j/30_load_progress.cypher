// purpose: the parts of a load that are being written are unique
// name: load_progress_id
CREATE CONSTRAINT load_progress_id IF NOT EXISTS FOR (n:LoadProgress) REQUIRE n.id IS UNIQUE
