// purpose: when the newest interaction of each type became known
// parameters: none
// columns: type, known_at
MATCH (:Customer)-[r:PURCHASED|VIEWED|RETURNED|REVIEWED|CONTACTED|REDEEMED]->()
RETURN label(r) AS type, max(CASE WHEN r.known_at > r.at THEN r.known_at ELSE r.at END) AS known_at
