// purpose: values of a customer's properties, with how often it holds each
// parameters: customer: its id
// columns: id, rows
MATCH (c:Customer {id: $customer})-[h:HAS_PROPERTY]->(v:PropertyValue)
RETURN v.id AS id, count(h) AS rows
