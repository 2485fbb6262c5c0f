// purpose: add categories
// parameters: as lists of equal length: id, name; load: its sequence number
// columns: none
UNWIND range(0, size($id) - 1) AS i
CREATE (:Category {id: $id[i], name: $name[i], load: $load})
