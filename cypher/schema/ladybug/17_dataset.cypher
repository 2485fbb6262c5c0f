// purpose: table of the data set that this graph holds, with its facts as JSON
CREATE NODE TABLE Dataset(id STRING, facts STRING, PRIMARY KEY (id))
