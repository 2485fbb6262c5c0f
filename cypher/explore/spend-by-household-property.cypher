// purpose: customers and spend by the value of a property
// subject: customers
// parameters: property: text = age
// parameter property: name of a customer property
// columns: value, customers, amount, amount_per_customer
// column customers: customers with a purchase who have, or once had, the value
// column amount: money they spent
// column amount_per_customer: amount over customers
// example: habitue query spend-by-household-property -p property=income
MATCH (v:PropertyValue {name: $property})<-[:HAS_PROPERTY]-(c:Customer)
WITH DISTINCT v.value AS value, c
MATCH (c)-[r:PURCHASED]->(:Product)
WITH value, count(DISTINCT c) AS customers, sum(coalesce(r.amount, 0.0)) AS amount
RETURN value, customers, amount, amount / customers AS amount_per_customer
ORDER BY amount DESC, value
