// purpose: table of the most similar customers, replaced whole
CREATE REL TABLE SIMILAR_TO(FROM Customer TO Customer, score DOUBLE, model STRING)
