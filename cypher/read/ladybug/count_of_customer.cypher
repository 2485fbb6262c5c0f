// purpose: how many relationships of each type a customer has
// parameters: customer: its id
// columns: type, rows
MATCH (c:Customer {id: $customer})-[r:PURCHASED]->() RETURN 'PURCHASED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:VIEWED]->() RETURN 'VIEWED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:RETURNED]->() RETURN 'RETURNED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:REVIEWED]->() RETURN 'REVIEWED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:CONTACTED]->() RETURN 'CONTACTED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:REDEEMED]->() RETURN 'REDEEMED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:SUPERSEDED]->() RETURN 'SUPERSEDED' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:HAS_PROPERTY]->() RETURN 'HAS_PROPERTY' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:IN_AUDIENCE]->() RETURN 'IN_AUDIENCE' AS type, count(r) AS rows
UNION ALL
MATCH (c:Customer {id: $customer})-[r:SIMILAR_TO]-(other:Customer) WHERE other.id <> $customer RETURN 'SIMILAR_TO' AS type, count(r) AS rows
