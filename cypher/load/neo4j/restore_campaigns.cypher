// purpose: give campaigns back what interrupted loads had changed, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (v:Replaced {type: 'Campaign'}) WHERE v.until IN $loads
WITH v LIMIT $limit
MATCH (m:Campaign {id: v.id})
SET m.start = v.start, m.`end` = v.`end`
DELETE v
