// purpose: delete all of Habitué's nodes, of a graph that is given up
// parameters: none
// columns: none
MATCH (n:Customer|Product|Category|Brand|Campaign|PropertyValue|Audience|Dataset|Load|LoadProgress|Replaced|Erased)
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS
