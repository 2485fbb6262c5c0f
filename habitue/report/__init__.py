"""The report of a run: one self-contained HTML page with the models beside their baselines, and the scores."""

from habitue.report.build import build_report

__all__ = ["build_report"]
