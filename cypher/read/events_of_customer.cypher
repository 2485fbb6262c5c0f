// purpose: what a customer bought, viewed, returned, reviewed, was contacted by and redeemed, one row for each event
// parameters: id: the customer
// columns: type, target: id of the product or campaign, at
MATCH (c:Customer {id: $id})-[r:PURCHASED]->(t:Product) RETURN 'PURCHASED' AS type, t.id AS target, r.at AS at
UNION ALL
MATCH (c:Customer {id: $id})-[r:VIEWED]->(t:Product) RETURN 'VIEWED' AS type, t.id AS target, r.at AS at
UNION ALL
MATCH (c:Customer {id: $id})-[r:RETURNED]->(t:Product) RETURN 'RETURNED' AS type, t.id AS target, r.at AS at
UNION ALL
MATCH (c:Customer {id: $id})-[r:REVIEWED]->(t:Product) RETURN 'REVIEWED' AS type, t.id AS target, r.at AS at
UNION ALL
MATCH (c:Customer {id: $id})-[r:CONTACTED]->(t:Campaign) RETURN 'CONTACTED' AS type, t.id AS target, r.at AS at
UNION ALL
MATCH (c:Customer {id: $id})-[r:REDEEMED]->(t:Campaign) RETURN 'REDEEMED' AS type, t.id AS target, r.at AS at
