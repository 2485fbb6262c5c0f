// purpose: all campaigns
// parameters: none
// columns: id, start, end
MATCH (m:Campaign) RETURN m.id AS id, m.start AS start, m.`end` AS `end`
