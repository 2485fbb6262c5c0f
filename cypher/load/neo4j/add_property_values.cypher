// purpose: add values of properties that are not there
// parameters: as lists of equal length: id, name, value; load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
MERGE (v:PropertyValue {id: $id[i]})
ON CREATE SET v.name = $name[i], v.value = $value[i], v.load = $load
