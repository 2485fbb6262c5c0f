// purpose: table of brands
CREATE NODE TABLE Brand(id STRING, PRIMARY KEY (id))
