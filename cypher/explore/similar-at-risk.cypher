// purpose: the customers most like one customer, with their risk
// subject: one customer
// parameters: customer: text; limit: integer = 20
// parameter customer: id of the customer
// parameter limit: rows at most
// columns: customer, score, churn_risk, hyperscore
// column score: similarity of the learned vectors, at most 1
// column churn_risk: probability of no purchase within the model's horizon
// column hyperscore: 100 to 111.11; the higher, the more worth engaging
// example: habitue query similar-at-risk -p customer=1228
MATCH (:Customer {id: $customer})-[s:SIMILAR_TO]->(other:Customer)
RETURN other.id AS customer, s.score AS score, other.churn_risk AS churn_risk, other.hyperscore AS hyperscore
ORDER BY score DESC, customer LIMIT $limit
