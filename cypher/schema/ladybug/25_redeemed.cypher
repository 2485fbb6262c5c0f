// purpose: table of REDEEMED interactions
CREATE REL TABLE REDEEMED(FROM Customer TO Campaign, id STRING, at TIMESTAMP, known_at TIMESTAMP, quantity DOUBLE, amount DOUBLE, discount DOUBLE, order_id STRING, channel STRING, rating DOUBLE, treatment STRING, load INT64)
