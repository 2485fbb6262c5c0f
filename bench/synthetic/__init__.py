"""A synthetic retailer of any size, with the ground truth of its customers: see README.md."""
