// purpose: table of products; a stub is known from interactions only
CREATE NODE TABLE Product(id STRING, name STRING, price DOUBLE, stub BOOLEAN, PRIMARY KEY (id))
