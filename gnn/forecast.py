"""What a forecaster takes and gives, whichever it is: Habitué's own, its no-graph control, or a baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import numpy as np

from gnn.features import Features, customer_features
from gnn.task import Outcome, Task, outcome, population
from graph.snapshot import FloatArray, Int32Array, Snapshot, SnapshotSource


@dataclass(frozen=True, eq=False)
class Examples:
    """The population at one cutoff; arrays have one row per counted customer.

    Attributes:
        snapshot: The graph as of the cutoff.
        rows: Rows in `snapshot.customers`.
        features: Tabular features as of the cutoff.
        outcome: What came to pass within the horizon; None where it is not known yet.
        properties: Undated or sensitive customer properties among the features, allowed by name.
    """

    snapshot: Snapshot
    rows: Int32Array
    features: Features
    outcome: Outcome | None
    properties: tuple[str, ...] = ()

    @property
    def cutoff(self) -> datetime:
        """T, the instant up to which the past was used."""
        return self.snapshot.as_of


#: Customers whose inputs to a model are held at a time.
MOST_AT_ONCE: Final = 131_072


def parts_of(examples: Examples, size: int | None = None) -> list[tuple[slice, Examples]]:
    """The examples without outcomes, so many of them in each part, and where each part lies among them.

    Args:
        examples: Where they are one part, that part is the same object, outcomes and all.
        size: Customers of a part, at most; `MOST_AT_ONCE` by default.
    """
    size = size or MOST_AT_ONCE
    count = len(examples.rows)
    if count <= size:
        return [(slice(0, count), examples)]
    parts = [slice(first, first + size) for first in range(0, count, size)]
    return [
        (part, replace(examples, rows=examples.rows[part], features=examples.features.rows(part), outcome=None))
        for part in parts
    ]


def examples_of(snapshot: Snapshot, rows: Int32Array, properties: tuple[str, ...] = ()) -> Examples:
    """Examples without outcomes for the customers at `rows`; `properties` are allowed among the features by name."""
    features = customer_features(snapshot, rows, undated_properties=properties, allowed_sensitive=properties)
    return Examples(snapshot, rows, features, None, properties)


class ExampleSource:
    """Examples at any cutoff of a source of snapshots, each computed once.

    Hand it a bounded source (`History.until(T)`) and nothing learnt from it can know what happened at or after T: the
    outcome of cutoff C is read from the snapshot as of C + H, which the source refuses where C + H > T.
    """

    def __init__(self, source: SnapshotSource, task: Task) -> None:
        self.source = source
        self.task = task
        self._known: dict[datetime, Examples] = {}
        self._labelled: dict[datetime, Examples] = {}
        self._sampled: dict[datetime, Examples] = {}

    def at(self, cutoff: datetime) -> Examples:
        """The population and features as of a cutoff, without outcomes."""
        if cutoff not in self._known:
            snapshot = self.source.at(cutoff)
            self._known[cutoff] = examples_of(snapshot, population(snapshot, self.task), self.task.properties)
        return self._known[cutoff]

    def labelled(self, cutoff: datetime) -> Examples:
        """The same with outcomes; `CutoffError` where the outcome window is not over by the source's limit."""
        if cutoff not in self._labelled:
            self._labelled[cutoff] = self._with_outcome(self.at(cutoff))
        return self._labelled[cutoff]

    def sampled(self, cutoff: datetime, most: int) -> Examples:
        """The same of at most so many customers, drawn evenly: for learning, where more of them add nothing.

        Args:
            cutoff: T.
            most: A population that is larger is drawn from, always alike.
        """
        if cutoff in self._sampled and len(self._sampled[cutoff].rows) == most:
            return self._sampled[cutoff]
        snapshot = self._known[cutoff].snapshot if cutoff in self._known else self.source.at(cutoff)
        rows = population(snapshot, self.task)
        if len(rows) <= most:
            return self.labelled(cutoff)
        drawn = np.random.default_rng([snapshot.as_of_ms, most]).choice(len(rows), most, replace=False, shuffle=False)
        drawn.sort()
        if cutoff in self._known:
            known = self._known[cutoff]
            part = replace(known, rows=rows[drawn], features=known.features.rows(drawn))
        else:
            part = examples_of(snapshot, rows[drawn], self.task.properties)
        self._sampled[cutoff] = self._with_outcome(part)
        return self._sampled[cutoff]

    def _with_outcome(self, known: Examples) -> Examples:
        after = self.source.at(known.cutoff + timedelta(days=self.task.horizon_days))
        return replace(known, outcome=outcome(known.snapshot, known.rows, after))


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecaster's word on the population at a cutoff; one row per counted customer, None where it gives none.

    Attributes:
        churn_score: Orders customers by churn risk, higher is riskier; any scale.
        churn_risk: Probability of no purchase within the horizon, in [0, 1].
        churn_risk_low, churn_risk_high: An interval for it (level in the run's manifest).
        value_median: Median prediction of the amount within the horizon (judged by absolute error).
        value_mean: Mean prediction of it (judged by squared error, ranking and capture).
        disagreement: Standard deviation of the churn risk over the members of an ensemble.
        members_mean: Mean of the members' churn risks, weighted as in `disagreement`.
        value_low, value_high: An interval that the realised value lies in with probability `value_level`.
        value_level: That probability, such as 0.8.
    """

    churn_score: FloatArray | None = None
    churn_risk: FloatArray | None = None
    churn_risk_low: FloatArray | None = None
    churn_risk_high: FloatArray | None = None
    value_median: FloatArray | None = None
    value_mean: FloatArray | None = None
    disagreement: FloatArray | None = None
    members_mean: FloatArray | None = None
    value_low: FloatArray | None = None
    value_high: FloatArray | None = None
    value_level: float | None = None


class Forecaster(Protocol):
    """A model of churn and value."""

    @property
    def name(self) -> str:
        """Name in reports, such as `habitue`, `recency` or `lightgbm`."""
        ...

    @property
    def needs_labels(self) -> bool:
        """Whether it is absent where no earlier cutoff has a known outcome."""
        ...

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from labelled examples at one or more cutoffs, oldest first; the newest may serve for calibration."""
        ...

    def predict(self, examples: Examples) -> Forecast:
        """Foretell the outcome of the examples' population."""
        ...
