// purpose: table of audiences
CREATE NODE TABLE Audience(id STRING, name STRING, created_at TIMESTAMP, PRIMARY KEY (id))
