// purpose: table of CONTACTED interactions
CREATE REL TABLE CONTACTED(FROM Customer TO Campaign, id STRING, at TIMESTAMP, known_at TIMESTAMP, quantity DOUBLE, amount DOUBLE, discount DOUBLE, order_id STRING, channel STRING, rating DOUBLE, treatment STRING, load INT64)
