// purpose: table of a product's brand
CREATE REL TABLE MADE_BY(FROM Product TO Brand)
