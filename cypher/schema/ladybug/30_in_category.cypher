// purpose: table of a product's innermost category
CREATE REL TABLE IN_CATEGORY(FROM Product TO Category)
