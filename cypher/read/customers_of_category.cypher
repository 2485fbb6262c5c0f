// purpose: customers who bought in a category or below it
// parameters: category: its id (path); below: the same with a slash
// columns: id
MATCH (k:Category)<-[:IN_CATEGORY]-(p:Product)<-[:PURCHASED]-(c:Customer)
WHERE k.id = $category OR k.id STARTS WITH $below
RETURN DISTINCT c.id AS id
ORDER BY id
