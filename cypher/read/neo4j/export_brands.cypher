// purpose: all brands of complete loads
// parameters: latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id
MATCH (b:Brand) WHERE b.load <= $latest AND NOT b.load IN $incomplete RETURN b.id AS id
