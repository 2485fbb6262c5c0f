// purpose: how many relationships there are of each type of interaction, of the count store
// parameters: none
// columns: type, rows
MATCH ()-[r:PURCHASED]->() RETURN 'PURCHASED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:VIEWED]->() RETURN 'VIEWED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:RETURNED]->() RETURN 'RETURNED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:REVIEWED]->() RETURN 'REVIEWED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:CONTACTED]->() RETURN 'CONTACTED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:REDEEMED]->() RETURN 'REDEEMED' AS type, count(r) AS rows
UNION ALL
MATCH ()-[r:SUPERSEDED]->() RETURN 'SUPERSEDED' AS type, count(r) AS rows
