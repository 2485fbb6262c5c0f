// purpose: table of categories; the id is the path from the outermost
CREATE NODE TABLE Category(id STRING, name STRING, PRIMARY KEY (id))
