"""The five components of the score, each in [0, 1], NaN where a customer has no basis for it.

Novelty comes from `embeddings.novelty`; the other four are here, as pure functions of plain arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.ranks import midrank
from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot
from scoring.rules import RULES, Rule


@dataclass(frozen=True, eq=False)
class Logic:
    """Logical consistency of n customers.

    Attributes:
        value: float64 [n]: mean over the rules that apply of the share of the customer's facts that hold; NaN where
            none applies.
        facts: By rule, how many facts it looked at, int64 [n].
        broken: By rule, how many of them do not hold, int64 [n].
    """

    value: FloatArray
    facts: Mapping[str, Int64Array]
    broken: Mapping[str, Int64Array]


def logic(snapshot: Snapshot, rows: Int32Array, rules: Sequence[Rule] = RULES) -> Logic:
    """Share of the declared consistency rules that customers' facts satisfy.

    A rule counts with the share of the customer's facts that satisfy it, so that one wrong line in five hundred is
    not the same as one in two; rules weigh alike, and one without facts (no returns, no orders) does not count.

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers`, [n].
        rules: The rules.
    """
    size = len(snapshot.customers)
    facts: dict[str, Int64Array] = {}
    broken: dict[str, Int64Array] = {}
    for rule in rules:
        found = rule.check(snapshot)
        facts[rule.name] = np.bincount(found.customer, minlength=size)[rows]
        broken[rule.name] = np.bincount(found.customer[~found.holds], minlength=size)[rows]
    looked = np.stack(list(facts.values()))
    wrong = np.stack(list(broken.values()))
    applies = looked > 0
    kept = np.where(applies, 1.0 - wrong / np.maximum(1, looked), 0.0)
    count = applies.sum(axis=0)
    return Logic(np.where(count > 0, kept.sum(axis=0) / np.maximum(1, count), np.nan), facts, broken)


def at_stake(churn_risk: FloatArray, expected_value: FloatArray) -> FloatArray:
    """Expected value at stake within the horizon, in the data set's currency or in orders: churn risk × expected value.

    The expected value already carries the chance that nothing is bought; the product is therefore not a forecast of
    the loss, but an order of where attention is worth most: customers who are both valuable and at risk.
    """
    return churn_risk * np.maximum(expected_value, 0.0)


def impact(churn_risk: FloatArray, expected_value: FloatArray) -> FloatArray:
    """Mid-rank percentile, in [0, 1], of the expected value at stake among the scored customers."""
    return midrank(at_stake(churn_risk, expected_value))


def reproducibility(churn_risk: FloatArray, disagreement: FloatArray) -> FloatArray:
    """Agreement of an ensemble on the churn risk: 1 − s / √(p (1 − p)), in [0, 1].

    p is the ensemble's mean risk and s the standard deviation over its members; √(p (1 − p)) is the largest that any
    set of numbers in [0, 1] with that mean can have (Bhatia & Davis 2000, "A better bound on the variance"): 0 means
    that some members say 0 and the others 1, and 1 that all say the same.

    Args:
        churn_risk: p, float64 [n], in [0, 1].
        disagreement: s, float64 [n].
    """
    largest = np.sqrt(churn_risk * (1.0 - churn_risk))
    relative = np.divide(disagreement, largest, out=np.zeros_like(largest), where=largest > 0)
    relative = np.where((largest <= 0) & (disagreement > 0), 1.0, relative)
    return np.where(np.isnan(disagreement) | np.isnan(churn_risk), np.nan, 1.0 - np.clip(relative, 0.0, 1.0))


def meta(now: FloatArray, before: FloatArray) -> FloatArray:
    """Stability of a score between two cutoffs: 1 − |difference of percentile ranks|, in [0, 1].

    Ranks are taken among the customers scored at both cutoffs, so that newcomers move nobody.

    Args:
        now: The score at this cutoff, float64 [n].
        before: The same customers' score at the previous cutoff, NaN for those not scored then.
    """
    both = ~np.isnan(now) & ~np.isnan(before)
    return 1.0 - np.abs(midrank(np.where(both, now, np.nan)) - midrank(np.where(both, before, np.nan)))
