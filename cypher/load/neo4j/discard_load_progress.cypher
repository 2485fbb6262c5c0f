// purpose: forget how far interrupted loads have come
// parameters: loads: sequence numbers
// columns: none
MATCH (p:LoadProgress) WHERE p.load IN $loads DELETE p
