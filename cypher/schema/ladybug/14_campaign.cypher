// purpose: table of campaigns
CREATE NODE TABLE Campaign(id STRING, start TIMESTAMP, `end` TIMESTAMP, PRIMARY KEY (id))
