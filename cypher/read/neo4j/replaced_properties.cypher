// purpose: undated properties as they are until an interrupted load completes
// parameters: label: of their owners; incomplete: sequence numbers of interrupted loads
// columns: owner, name, value, valid_from
MATCH (v:Replaced {type: 'HAS_PROPERTY'}) WHERE v.label = $label AND v.until IN $incomplete
RETURN v.owner AS owner, v.name AS name, v.value AS value, null AS valid_from
