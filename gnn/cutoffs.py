"""Dates to learn from and to judge at: those whose outcome is known, with enough of the past before them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from gnn.task import Task, cutoffs_before
from graph.history import History
from graph.time import from_epoch_ms
from habitue.errors import CutoffError

#: A training cutoff has at least this many days of data before it: features of less say little.
SHORTEST_PAST_DAYS: Final = 60


def default_cutoffs(history: History, task: Task, *, folds: int = 5, step_days: int = 30) -> list[datetime]:
    """The latest cutoffs whose outcomes are known, `step_days` apart; oldest first, as many as the data allow.

    A fold wants a training cutoff with a past of its own. Where the data are too short for any such fold, the latest
    cutoff stands alone, and only models without labels can be judged.

    Raises:
        CutoffError: If there is no past at all before the latest cutoff with a known outcome.
    """
    latest = history.complete_until - task.horizon
    earliest = first_purchase(history) + timedelta(days=SHORTEST_PAST_DAYS) + task.horizon
    found = cutoffs_before(latest, earliest, folds, step_days)
    if not found and latest > first_purchase(history):
        found = [latest]
    if not found:
        raise CutoffError(
            f"The data, from {date_text(first_purchase(history))} to {date_text(history.complete_until)}, are too "
            f"short to judge a horizon of {task.horizon_days} days.",
            hint="Choose a shorter horizon, or load more of the past.",
        )
    return found


def training_dates(history: History, task: Task, cutoff: datetime, *, count: int, step_days: int) -> list[datetime]:
    """Where to learn for a forecast at `cutoff`: dates whose outcome was known by then, oldest first."""
    earliest = first_purchase(history) + timedelta(days=SHORTEST_PAST_DAYS)
    return cutoffs_before(cutoff - task.horizon, earliest, count, step_days)


def check_cutoffs(history: History, task: Task, dates: Sequence[datetime]) -> None:
    """See that there is a past before each date, and a known outcome after it.

    Raises:
        CutoffError: If there is not.
    """
    for cutoff in dates:
        if cutoff + task.horizon > history.complete_until:
            raise CutoffError(
                f"At the cutoff {date_text(cutoff)} the outcome within {task.horizon_days} days is not known: the data "
                f"are complete until {date_text(history.complete_until)}.",
                hint=f"The latest cutoff for this horizon is {date_text(history.complete_until - task.horizon)}.",
            )
        if cutoff <= first_purchase(history):
            raise CutoffError(
                f"Nobody had bought anything before the cutoff {date_text(cutoff)}: the first purchase is of "
                f"{date_text(first_purchase(history))}.",
                hint="Choose a later cutoff.",
            )


def first_purchase(history: History) -> datetime:
    """When anybody first bought anything.

    Raises:
        CutoffError: If nobody ever did.
    """
    purchases = history.events["PURCHASED"]
    at = purchases.at[purchases.superseded_at == np.iinfo(np.int64).max]  # a corrected date may have been a slip
    if not len(at):
        raise CutoffError("There are no purchases to learn from.", hint="Load a table of purchases.")
    return from_epoch_ms(int(at[0]))


def date_text(instant: datetime) -> str:
    """ISO 8601, without the time of day at midnight."""
    return instant.date().isoformat() if instant.time() == datetime.min.time() else instant.isoformat()
