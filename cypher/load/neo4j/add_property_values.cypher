// purpose: add values of properties that are not there
// parameters: rows: id, name, value; load: its sequence number
// columns: none
UNWIND $rows AS row
MERGE (v:PropertyValue {id: row.id})
ON CREATE SET v.name = row.name, v.value = row.value, v.load = $load
