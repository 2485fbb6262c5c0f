// purpose: audiences
// parameters: none
// columns: id, name, created_at
MATCH (a:Audience) RETURN a.id AS id, a.name AS name, a.created_at AS created_at
