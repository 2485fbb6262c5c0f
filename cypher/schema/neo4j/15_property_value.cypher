// purpose: the id of values of properties is unique, and found by an index
// name: property_value_id
CREATE CONSTRAINT property_value_id IF NOT EXISTS FOR (n:PropertyValue) REQUIRE n.id IS UNIQUE
