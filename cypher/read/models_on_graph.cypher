// purpose: runs whose signals stand on customers
// parameters: none
// columns: model
MATCH (c:Customer) WHERE c.model IS NOT NULL
RETURN DISTINCT c.model AS model ORDER BY model
