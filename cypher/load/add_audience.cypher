// purpose: write an audience
// parameters: id, name, created_at
// columns: none
CREATE (:Audience {id: $id, name: $name, created_at: $created_at})
