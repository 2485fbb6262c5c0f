// purpose: say of interrupted loads what they were writing, so that none or only the same goes on there
// parameters: loads: sequence numbers; content: empty while their remains are removed, null afterwards
// columns: none
MATCH (l:Load) WHERE l.id IN $loads
SET l.content = $content
