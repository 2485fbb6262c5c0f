// purpose: note how far a part of a load has come, in the transaction that brings it there
// parameters: id: of the part; load: its sequence number; batches: that are written
// columns: none
MERGE (p:LoadProgress {id: $id})
SET p.load = $load, p.batches = $batches
