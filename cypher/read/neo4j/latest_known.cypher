// purpose: when the newest interaction of each type became known; those of complete loads
// parameters: none
// columns: type, known_at
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
MATCH (:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->() WHERE NOT r.load IN incomplete
RETURN type(r) AS type, max(CASE WHEN r.known_at > r.at THEN r.known_at ELSE r.at END) AS known_at
