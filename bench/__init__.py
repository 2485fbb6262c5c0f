"""Benchmarks: each runs beside its reference and writes its figures as JSON."""
