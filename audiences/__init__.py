"""Lookalike audiences."""
