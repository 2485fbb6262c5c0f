// purpose: remove all similarities
// parameters: none
// columns: none
MATCH (:Customer)-[s:SIMILAR_TO]->(:Customer) DELETE s
