// purpose: delete the relationships of interactions, properties and similarities, of a graph that is given up
// parameters: none
// columns: none
MATCH (:Customer|Product|Campaign)-[r]->()
CALL (r) { DELETE r } IN TRANSACTIONS OF 5000 ROWS
