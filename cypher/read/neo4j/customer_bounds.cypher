// purpose: ids that divide all customers into ranges of about equal size, in order; the last one is the last customer
// parameters: share: of the customers to take
// columns: id
CALL () {
  MATCH (c:Customer) WHERE rand() < $share RETURN c.id AS id
  UNION
  MATCH (c:Customer) RETURN max(c.id) AS id
}
WITH id WHERE id IS NOT NULL
RETURN id ORDER BY id
