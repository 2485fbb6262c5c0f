// purpose: table of customers, with the signals written back from the published run
CREATE NODE TABLE Customer(id STRING, churn_risk DOUBLE, expected_value DOUBLE, novelty DOUBLE, hyperscore DOUBLE, hyperscore_percentile DOUBLE, scored_at TIMESTAMP, model STRING, PRIMARY KEY (id))
