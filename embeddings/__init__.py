"""TransE vectors of the customer graph, similarity and novelty."""
