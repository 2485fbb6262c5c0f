// purpose: the customers nearest to one customer by the vector index, renewed by every purchase
// subject: one customer
// parameters: customer: text; limit: integer = 20
// parameter customer: id of the customer
// parameter limit: rows at most, of the hundred nearest
// columns: customer, cosine, churn_risk, hyperscore
// column cosine: of the centred vectors, at most 1
// column churn_risk: probability of no purchase within the model's horizon; none for who came after it was trained
// column hyperscore: 100 to 111.11; the higher, the more worth engaging
// example: habitue query nearest-customers -p customer=1228
MATCH (c:Customer {id: $customer})
WHERE c.vector IS NOT NULL
CALL db.index.vector.queryNodes('customer_vector', 101, c.vector) YIELD node AS other, score
WITH other, score WHERE other.id <> $customer
RETURN other.id AS customer, 2 * score - 1 AS cosine, other.churn_risk AS churn_risk, other.hyperscore AS hyperscore
ORDER BY cosine DESC, customer LIMIT $limit
