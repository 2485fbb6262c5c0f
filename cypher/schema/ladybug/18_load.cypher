// purpose: table of loads, newest with the highest sequence number
CREATE NODE TABLE Load(id INT64, source STRING, started_at TIMESTAMP, finished_at TIMESTAMP, complete BOOLEAN, report STRING, PRIMARY KEY (id))
