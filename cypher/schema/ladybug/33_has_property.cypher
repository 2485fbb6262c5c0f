// purpose: table of properties of customers, products and campaigns; valid_from is null where the source does not date them
CREATE REL TABLE HAS_PROPERTY(FROM Customer TO PropertyValue, FROM Product TO PropertyValue, FROM Campaign TO PropertyValue, valid_from TIMESTAMP, load INT64)
