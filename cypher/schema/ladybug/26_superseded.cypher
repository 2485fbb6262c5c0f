// purpose: table of versions of interactions that a later correction replaced
CREATE REL TABLE SUPERSEDED(FROM Customer TO Product, FROM Customer TO Campaign, id STRING, at TIMESTAMP, known_at TIMESTAMP, quantity DOUBLE, amount DOUBLE, discount DOUBLE, order_id STRING, channel STRING, rating DOUBLE, treatment STRING, load INT64, type STRING, superseded_at TIMESTAMP)
