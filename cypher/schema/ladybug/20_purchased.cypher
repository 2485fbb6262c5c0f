// purpose: table of PURCHASED interactions
CREATE REL TABLE PURCHASED(FROM Customer TO Product, id STRING, at TIMESTAMP, known_at TIMESTAMP, quantity DOUBLE, amount DOUBLE, discount DOUBLE, order_id STRING, channel STRING, rating DOUBLE, treatment STRING, load INT64)
