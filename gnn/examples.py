"""Examples shared between the folds of a backtest: each cutoff's snapshot and features are made once.

A snapshot as of C is the same whichever fold asks for it. What differs is who may ask: `PastExamples` answers for one
fold, and refuses whatever lies beyond its cutoff.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from gnn.forecast import Examples, ExampleSource
from gnn.task import Task
from graph.snapshot import Snapshot, SnapshotSource
from habitue.errors import CutoffError

#: Customers of a cutoff that are learnt from, at most, so that memory stays bounded (docs/forecaster-scale.md).
MOST_LEARNT_FROM: Final = 100_000


class SharedExamples(ExampleSource):
    """Examples at any cutoff of the whole history; for the judge, never for a model."""

    def __init__(self, source: SnapshotSource, task: Task) -> None:
        super().__init__(_KeptSnapshots(source), task)

    def forget_before(self, cutoff: datetime | None) -> None:
        """Give back the memory of everything earlier than a cutoff; None gives back all."""
        kept: tuple[dict[datetime, Any], ...] = (self._known, self._labelled, self._sampled)
        for each in kept:
            for date in [date for date in each if cutoff is None or date < cutoff]:
                del each[date]


class _KeptSnapshots:
    """A source that hands out a snapshot again while somebody holds it.

    One fold's cutoff may end another's outcome window. But where examples do not hold it, it goes: a large retailer's
    snapshot takes a gigabyte, and cutting it anew takes seconds.
    """

    def __init__(self, source: SnapshotSource) -> None:
        self._source = source
        self._held: WeakValueDictionary[datetime, Snapshot] = WeakValueDictionary()

    @property
    def complete_until(self) -> datetime:
        """The latest date the source answers for."""
        return self._source.complete_until

    def at(self, as_of: datetime) -> Snapshot:
        """The snapshot as of a date."""
        snapshot = self._held.get(as_of)
        if snapshot is None:
            snapshot = self._held[as_of] = self._source.at(as_of)
        return snapshot


class PastExamples:
    """What a model may learn from at `limit`: examples whose features, and outcomes, were complete by then."""

    def __init__(self, shared: SharedExamples, limit: datetime, *, most: int = MOST_LEARNT_FROM) -> None:
        self._shared = shared
        self.limit = limit
        self._most = most

    def at(self, cutoff: datetime) -> Examples:
        """The population and features as of a cutoff, without outcomes.

        Raises:
            CutoffError: If the cutoff is later than the limit.
        """
        self._refuse_beyond(cutoff)
        return self._shared.at(cutoff)

    def labelled(self, cutoff: datetime) -> Examples:
        """The same with outcomes, of a sample of the population where it is large.

        Raises:
            CutoffError: If the outcome window ends later than the limit.
        """
        self._refuse_beyond(cutoff + self._shared.task.horizon)
        return self._shared.sampled(cutoff, self._most)

    def _refuse_beyond(self, needed: datetime) -> None:
        if needed > self.limit:
            raise CutoffError(
                f"Data up to {needed.isoformat()} were asked for where only the past before {self.limit.isoformat()} "
                "may be used.",
                hint="This is a leak in the calling code: learn from earlier cutoffs only.",
            )
