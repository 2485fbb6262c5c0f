// purpose: how much interrupted loads, or one at work, have replaced by now
// parameters: none
// columns: versions
OPTIONAL MATCH (l:Load) WHERE NOT l.complete
WITH collect(l.id) AS incomplete
OPTIONAL MATCH (v:Replaced) WHERE v.until IN incomplete
RETURN count(v) AS versions
