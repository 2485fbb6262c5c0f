// purpose: how much is only waiting to be deleted
// parameters: incomplete: sequence numbers of interrupted loads
// columns: replaced, erased
OPTIONAL MATCH (v:Replaced) WHERE NOT v.until IN $incomplete
WITH count(v) AS replaced
OPTIONAL MATCH (n:Erased)
RETURN replaced, count(n) AS erased
