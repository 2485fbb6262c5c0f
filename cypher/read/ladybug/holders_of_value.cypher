// purpose: how often a value of a property is held by anything
// parameters: value: its id
// columns: rows
MATCH (v:PropertyValue {id: $value})<-[h:HAS_PROPERTY]-()
RETURN count(h) AS rows
