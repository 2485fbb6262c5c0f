// purpose: the id of customers is unique, and found by an index
// name: customer_id
CREATE CONSTRAINT customer_id IF NOT EXISTS FOR (n:Customer) REQUIRE n.id IS UNIQUE
