// purpose: table of values of properties, one node per name and value
CREATE NODE TABLE PropertyValue(id STRING, name STRING, value STRING, PRIMARY KEY (id))
