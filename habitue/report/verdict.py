"""What the backtest says in plain language: better, worse, or not to be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from habitue.report.names import CONTROL, METRICS, RIVAL, SUBJECT, in_order, model_name
from habitue.report.numbers import interval, number

#: The AUROC of an order at random.
CHANCE = 0.5
Outcome = Literal["better", "worse", "undecided"]

#: The comparisons that the verdict lists, with the question each answers.
_QUESTIONS = (
    ("churn_auc", RIVAL, "Does it rank churn risk better than LightGBM?"),
    ("churn_average_precision", RIVAL, "Is the top of its risk list purer than LightGBM's?"),
    ("churn_auc", CONTROL, "Does the graph improve the ranking of churn risk?"),
    ("value_mae", RIVAL, "Does it predict value more closely than LightGBM?"),
    ("value_mae", CONTROL, "Does the graph improve the prediction of value?"),
)

_ANSWERS: dict[Outcome, str] = {"better": "Yes", "worse": "No: it is worse", "undecided": "Not distinguishable"}


@dataclass(frozen=True)
class Comparison:
    """A paired difference, Habitué minus another model, in the metric's unit.

    Attributes:
        metric: Key of the metric.
        versus: Key of the other model.
        difference: The difference over all folds.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
    """

    metric: str
    versus: str
    difference: float
    low: float
    high: float

    @property
    def gain(self) -> tuple[float, float, float]:
        """Difference, low and high, turned so that positive is an improvement whichever way the metric counts."""
        if METRICS[self.metric].higher_is_better:
            return self.difference, self.low, self.high
        return -self.difference, -self.high, -self.low

    @property
    def outcome(self) -> Outcome:
        """`undecided` whenever the interval holds zero."""
        _, low, high = self.gain
        if low > 0:
            return "better"
        return "worse" if high < 0 else "undecided"


@dataclass(frozen=True)
class Finding:
    """One line of the verdict: a question, its answer and the difference behind it."""

    question: str
    answer: str
    outcome: Outcome
    metric: str
    difference: str


def comparisons(backtest: Mapping[str, Any]) -> list[Comparison]:
    """The paired differences of Habitué against every other model, for the metrics that the report knows."""
    return [
        Comparison(row["metric"], row["versus"], float(row["difference"]), float(row["low"]), float(row["high"]))
        for row in backtest.get("paired", ())
        if row["model"] == SUBJECT and row["metric"] in METRICS
    ]


def findings(backtest: Mapping[str, Any]) -> list[Finding]:
    """The verdict line by line; a comparison that the backtest lacks is left out."""
    by_key = {(each.metric, each.versus): each for each in comparisons(backtest)}
    lines = []
    for metric, versus, question in _QUESTIONS:
        found = by_key.get((metric, versus))
        if found is not None:
            label = METRICS[metric].label
            lines.append(Finding(question, _ANSWERS[found.outcome], found.outcome, label, difference_text(found)))
    return lines


def headline(backtest: Mapping[str, Any]) -> str:
    """The verdict in one or two sentences, from the churn AUROC alone."""
    by_versus = {each.versus: each for each in comparisons(backtest) if each.metric == "churn_auc"}
    if not by_versus:
        return "These data allow no comparison: no cutoff leaves both a past to learn from and an outcome to check."
    rival, control = by_versus.get(RIVAL), by_versus.get(CONTROL)
    own = backtest.get("models", {}).get(SUBJECT, {}).get("churn_auc")
    if own is not None and own["low"] <= CHANCE:
        ends = interval(own["low"], own["high"], METRICS["churn_auc"].decimals)
        return (
            "These data do not show that churn can be foretold: Habitué's AUROC of "
            f"{number(own['mean'], METRICS['churn_auc'].decimals)} {ends} is not told apart from chance, {CHANCE:g}."
        )
    sentences = []
    if rival is not None:
        sentences.append(
            {
                "better": "Habitué ranks churn risk better than LightGBM.",
                "undecided": "Habitué and LightGBM rank churn risk equally well, as far as these data can tell.",
                "worse": "LightGBM ranks churn risk better than Habitué.",
            }[rival.outcome]
        )
    if control is not None:
        sentences.append(
            {
                "better": "The graph improves it.",
                "undecided": "The graph adds nothing that can be measured here.",
                "worse": "It would do better without the graph.",
            }[control.outcome]
        )
    best = best_model(backtest, "churn_auc")
    if best is not None and best not in (SUBJECT, RIVAL, CONTROL):
        sentences.append(f"The highest mean AUROC is that of {model_name(best).label}.")
    return " ".join(sentences) or "Habitué was compared with simple baselines only."


def best_model(backtest: Mapping[str, Any], metric: str) -> str | None:
    """The model with the best mean of a metric; None when no model gives it. Of equal ones, the first in order."""
    models = backtest.get("models", {})
    means = {key: models[key][metric]["mean"] for key in in_order(list(models)) if metric in models[key]}
    if not means:
        return None
    return (max if METRICS[metric].higher_is_better else min)(means, key=lambda key: means[key])


def difference_text(comparison: Comparison) -> str:
    """The difference and its interval, with signs."""
    decimals = METRICS[comparison.metric].decimals
    ends = interval(comparison.low, comparison.high, decimals, signed=True)
    return f"{number(comparison.difference, decimals, signed=True)} {ends}"
