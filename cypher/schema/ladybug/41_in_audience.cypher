// purpose: table of members of audiences
CREATE REL TABLE IN_AUDIENCE(FROM Customer TO Audience, score DOUBLE, rank INT64, run STRING)
