// purpose: how far the parts of a load have come
// parameters: load: its sequence number
// columns: id, batches
MATCH (p:LoadProgress {load: $load}) RETURN p.id AS id, p.batches AS batches
