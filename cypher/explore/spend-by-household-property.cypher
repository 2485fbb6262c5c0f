// purpose: customers and spend by the value of a property
// parameters: property: text = age
// columns: value, customers, amount
MATCH (v:PropertyValue {name: $property})<-[:HAS_PROPERTY]-(c:Customer)-[r:PURCHASED]->(:Product)
RETURN v.value AS value, count(DISTINCT c) AS customers, sum(r.amount) AS amount
ORDER BY amount DESC, value
