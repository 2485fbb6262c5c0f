// purpose: all campaigns of complete loads; times in epoch milliseconds
// parameters: latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: id, start, end
MATCH (m:Campaign) WHERE m.load <= $latest AND NOT m.load IN $incomplete
RETURN m.id AS id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), m.start).milliseconds AS start, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), m.`end`).milliseconds AS `end`
