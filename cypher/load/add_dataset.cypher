// purpose: write the data set's facts
// parameters: id, facts
// columns: none
CREATE (:Dataset {id: $id, facts: $facts})
