"""The report's tables as plain rows of text, made from the backtest and the scores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from habitue.report.names import COMPONENTS, METRICS, Metric, in_order, model_name
from habitue.report.numbers import MISSING, duration, interval, money, number, percent
from habitue.report.verdict import Comparison, best_model, difference_text


@dataclass(frozen=True)
class Cell:
    """One figure of the models' table: the mean, its interval, and whether it is the column's best."""

    mean: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class ModelRow:
    """One model's row: its key and label, one cell per metric, and how long it took."""

    key: str
    label: str
    cells: list[Cell]
    seconds: str


@dataclass(frozen=True)
class DifferenceRow:
    """One paired difference as text, with its outcome."""

    metric: str
    versus: str
    difference: str
    outcome: str


@dataclass(frozen=True)
class FoldRow:
    """One cutoff of the backtest: who was counted and how many of them left."""

    cutoff: str
    customers: str
    churners: str
    churn_rate: str


@dataclass(frozen=True)
class ReasonRow:
    """One feature over all customers: how much it moves the risk where it is named, and which way.

    Attributes:
        label: The feature in words.
        weight: Mean absolute contribution where it is named.
        share: That weight relative to the greatest of the table, in [0, 1], for the bar.
        named: Share of customers for whom it is among the reasons.
        raising: Share of those for whom it raises the risk.
    """

    label: str
    weight: str
    share: float
    named: str
    raising: str


@dataclass(frozen=True)
class CustomerRow:
    """One customer at whom a person might look first."""

    id: str
    risk: str
    risk_interval: str
    value: str
    at_stake: str
    hyperscore: str
    percentile: str
    reason: str


@dataclass(frozen=True)
class ComponentRow:
    """One component of the HyperScore: its weight and the spread of its values over the customers (shares, 0 to 1)."""

    label: str
    meaning: str
    weight: str
    low: float
    median: float
    high: float
    summary: str


def model_rows(backtest: Mapping[str, Any], metrics: Mapping[str, Metric]) -> list[ModelRow]:
    """The models with their metrics; a metric that a model does not give is an en dash."""
    models = backtest.get("models", {})
    best = {metric: best_model(backtest, metric) for metric in metrics}
    seconds = backtest.get("seconds", {})
    return [
        ModelRow(
            key=key,
            label=model_name(key).label,
            cells=[_cell(models[key].get(metric), metrics[metric], best[metric] == key) for metric in metrics],
            seconds=duration(seconds[key]) if key in seconds else MISSING,
        )
        for key in in_order(list(models))
    ]


def difference_rows(comparisons: Iterable[Comparison]) -> list[DifferenceRow]:
    """Every paired difference, by metric and then by model."""
    words = {"better": "better", "worse": "worse", "undecided": "not distinguishable"}
    ranks = {key: rank for rank, key in enumerate(METRICS)}
    rows = list(comparisons)
    models = in_order([row.versus for row in rows])
    rows.sort(key=lambda row: (ranks[row.metric], models.index(row.versus)))
    return [
        DifferenceRow(METRICS[row.metric].label, model_name(row.versus).label, difference_text(row), words[row.outcome])
        for row in rows
    ]


def fold_rows(backtest: Mapping[str, Any]) -> list[FoldRow]:
    """The cutoffs, oldest first."""
    folds = sorted(backtest.get("folds", ()), key=lambda fold: str(fold["cutoff"]))
    return [
        FoldRow(
            cutoff=str(fold["cutoff"])[:10],
            customers=number(fold["customers"]),
            churners=number(round(fold["customers"] * fold["churn_rate"])),
            churn_rate=percent(fold["churn_rate"], 1),
        )
        for fold in folds
    ]


def reason_rows(scores: pd.DataFrame, count: int = 12) -> list[ReasonRow]:
    """The features that move the risk most, summed over the customers whose reasons name them.

    Ordered by the total absolute contribution, so that a feature which moves many a little and one which moves few
    a lot are both seen.
    """
    if "reasons" not in scores or scores.empty:
        return []
    named = pd.DataFrame(
        [
            (reason["feature"], reason["label"], abs(float(reason["contribution"])), reason["direction"] == "raises")
            for text in scores["reasons"].dropna()
            for reason in json.loads(text)
        ],
        columns=["feature", "label", "weight", "raises"],
    )
    if named.empty:
        return []
    grouped = named.groupby("feature").agg(
        label=("label", "first"),
        total=("weight", "sum"),
        mean=("weight", "mean"),
        raising=("raises", "mean"),
        customers=("weight", "size"),
    )
    top = grouped.sort_values(["total", "label"], ascending=[False, True]).head(count)
    greatest = float(top["mean"].max()) or 1.0
    return [
        ReasonRow(
            label=str(row["label"]),
            weight=number(float(row["mean"]), 3),
            share=float(row["mean"]) / greatest,
            named=percent(float(row["customers"]) / len(scores)),
            raising=percent(float(row["raising"])),
        )
        for row in top.to_dict("records")
    ]


def customer_rows(scores: pd.DataFrame, currency: str, count: int = 15) -> list[CustomerRow]:
    """The active customers with most at stake (churn risk times expected value); without amounts, at most risk."""
    active = scores[scores["active"].astype(bool)]
    at_stake = active["churn_risk"] * active["expected_value"]
    order = ["at_stake", "churn_risk", "customer_id"]
    chosen = active.assign(at_stake=at_stake).sort_values(order, ascending=[False, False, True])
    return [
        CustomerRow(
            id=str(row["customer_id"]),
            risk=percent(row["churn_risk"], 1),
            risk_interval=_percent_interval(row["churn_risk_low"], row["churn_risk_high"]),
            value=money(row["expected_value"], currency),
            at_stake=money(row["at_stake"], currency),
            hyperscore=number(row["hyperscore"], 2),
            percentile=number(row["hyperscore_percentile"], 1),
            reason=_first_reason(row.get("reasons")),
        )
        for row in chosen.head(count).to_dict("records")
    ]


def component_rows(scores: pd.DataFrame, weights: Mapping[str, float]) -> list[ComponentRow]:
    """The components in their order, with weight and the middle 80 % of their values."""
    rows = []
    for key, (label, meaning) in COMPONENTS.items():
        values = scores[key].dropna().to_numpy(dtype=np.float64) if key in scores else np.empty(0)
        if not len(values):
            continue
        low, median, high = (float(each) for each in np.percentile(values, (10, 50, 90)))
        weight = number(weights[key], 2) if key in weights else MISSING
        summary = f"median {number(median, 2)}, middle 80 % from {number(low, 2)} to {number(high, 2)}"
        rows.append(ComponentRow(label, meaning, weight, low, median, high, summary))
    return rows


def _cell(figures: Mapping[str, float] | None, metric: Metric, best: bool) -> Cell:
    if not figures:
        return Cell(MISSING)
    ends = interval(figures.get("low"), figures.get("high"), metric.decimals)
    return Cell(number(figures["mean"], metric.decimals), "" if ends == MISSING else ends, best)


def _percent_interval(low: float, high: float) -> str:
    ends = [number(100 * end, 1) for end in (low, high)]
    return MISSING if MISSING in ends else f"{ends[0]} to {ends[1]}"


def _first_reason(text: object) -> str:
    reasons = json.loads(text) if isinstance(text, str) else []
    if not reasons:
        return MISSING
    value = reasons[0].get("value")
    shown = number(value, 0 if float(value).is_integer() else 2) if isinstance(value, int | float) else str(value or "")
    return f"{reasons[0]['label']}: {shown}" if shown else str(reasons[0]["label"])
