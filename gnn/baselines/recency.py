"""The simplest churn score there is: days since the last purchase."""

from __future__ import annotations

from typing import Final

from gnn.forecast import Examples, Forecast


class Recency:
    """Ranks customers by the days since their last purchase; learns nothing and foretells no probability or value."""

    name: Final = "recency"
    needs_labels: Final = False

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Nothing to learn."""

    def predict(self, examples: Examples) -> Forecast:
        """The score: days since the last purchase."""
        return Forecast(churn_score=examples.features.column("recency_days"))
