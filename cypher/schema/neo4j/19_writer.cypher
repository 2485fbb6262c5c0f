// purpose: there is one writer at a time: whoever has created the Writer node in an open transaction
// name: writer_id
CREATE CONSTRAINT writer_id IF NOT EXISTS FOR (n:Writer) REQUIRE n.id IS UNIQUE
