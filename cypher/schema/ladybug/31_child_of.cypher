// purpose: table of a category's parent
CREATE REL TABLE CHILD_OF(FROM Category TO Category)
