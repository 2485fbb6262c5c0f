// purpose: remove a value of properties that nothing holds any more
// parameters: id: the value
// columns: none
MATCH (v:PropertyValue {id: $id}) DELETE v
