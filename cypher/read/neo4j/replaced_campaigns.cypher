// purpose: campaigns as they are until an interrupted load completes; times in epoch milliseconds
// parameters: incomplete: sequence numbers of interrupted loads
// columns: id, start, end
MATCH (v:Replaced {type: 'Campaign'}) WHERE v.until IN $incomplete
RETURN v.id AS id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), v.start).milliseconds AS start, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), v.`end`).milliseconds AS `end`
