// purpose: remove an audience and its members
// parameters: id
// columns: none
MATCH (a:Audience {id: $id}) DETACH DELETE a
