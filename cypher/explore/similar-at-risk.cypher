// purpose: customers like one customer, with their risk
// parameters: customer: text; limit: integer = 20
// columns: customer, score, churn_risk, hyperscore
MATCH (:Customer {id: $customer})-[s:SIMILAR_TO]->(other:Customer)
RETURN other.id AS customer, s.score AS score, other.churn_risk AS churn_risk, other.hyperscore AS hyperscore
ORDER BY score DESC, customer LIMIT $limit
