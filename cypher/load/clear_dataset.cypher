// purpose: remove the data set's facts before they are written anew
// parameters: none
// columns: none
MATCH (d:Dataset) DELETE d
