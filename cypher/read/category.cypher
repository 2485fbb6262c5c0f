// purpose: whether there is a category, or one below it
// parameters: category: its id (path); below: the same with a slash
// columns: id
MATCH (k:Category)
WHERE k.id = $category OR k.id STARTS WITH $below
RETURN k.id AS id
ORDER BY id
LIMIT 1
