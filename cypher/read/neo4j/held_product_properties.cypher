// purpose: properties of some Product nodes; valid_from in epoch milliseconds, null where the source does not date them
// parameters: ids: of the nodes; latest: sequence number of the newest load; incomplete: those of interrupted ones
// columns: owner, name, value, valid_from
UNWIND $ids AS id
MATCH (o:Product {id: id})-[h:HAS_PROPERTY]->(v:PropertyValue) WHERE h.load <= $latest AND NOT h.load IN $incomplete
RETURN o.id AS owner, v.name AS name, v.value AS value, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), h.valid_from).milliseconds AS valid_from
