// purpose: customers and spend by the value of a property
// parameters: property: text = age
// columns: value, customers, amount
MATCH (v:PropertyValue {name: $property})<-[:HAS_PROPERTY]-(c:Customer)
WITH DISTINCT v.value AS value, c
MATCH (c)-[r:PURCHASED]->(:Product)
RETURN value, count(DISTINCT c) AS customers, sum(r.amount) AS amount
ORDER BY amount DESC, value
