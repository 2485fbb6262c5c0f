// purpose: add brands
// parameters: as lists of equal length: id; load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
CREATE (:Brand {id: $id[i], load: $load})
