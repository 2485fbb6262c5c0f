"""Components, fusion and the HyperScore."""
