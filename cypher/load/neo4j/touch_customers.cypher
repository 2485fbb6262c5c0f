// purpose: note which load was the last to bring customers interactions
// parameters: ids: customers; load: its sequence number
// columns: none
UNWIND $ids AS id
MATCH (c:Customer {id: id}) WHERE c.last_load IS NULL OR c.last_load < $load
SET c.last_load = $load
