// purpose: remove undated properties of Campaign nodes that get a new value, and keep them aside
// parameters: as lists of equal length: owner, target; load: that replaces them
// columns: none
UNWIND range(0, size($owner) - 1) AS i
MATCH (o:Campaign {id: $owner[i]})-[h:HAS_PROPERTY]->(p:PropertyValue {id: $target[i]})
WHERE h.valid_from IS NULL AND h.load <> $load
CREATE (:Replaced {type: 'HAS_PROPERTY', label: 'Campaign', owner: o.id, target: p.id, name: p.name, value: p.value, load: h.load, until: $load})
DELETE h
