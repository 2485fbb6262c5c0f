// purpose: give products back what interrupted loads had changed, some at a time
// parameters: loads: sequence numbers; limit: how many at once
// columns: none
MATCH (v:Replaced {type: 'Product'}) WHERE v.until IN $loads
WITH v LIMIT $limit
MATCH (p:Product {id: v.id})
SET p.name = v.name, p.price = v.price, p.stub = v.stub
WITH v, p
CALL (p) { MATCH (p)-[former:IN_CATEGORY|MADE_BY]->() DELETE former }
CALL (v, p) { MATCH (k:Category {id: v.category}) CREATE (p)-[:IN_CATEGORY]->(k) }
CALL (v, p) { MATCH (b:Brand {id: v.brand}) CREATE (p)-[:MADE_BY]->(b) }
DELETE v
