"""The report card beyond the models' table: calibration, intervals, segments, gains, controls, as tables of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from habitue.report.names import SUBJECT, in_order, model_name
from habitue.report.numbers import MISSING, duration, interval, money, number, percent

_SEGMENTATIONS = {"purchase_frequency": "days with a purchase", "recency": "days since the last purchase"}


@dataclass(frozen=True)
class Table:
    """A table of text: what it shows, its columns (the first names the rows), and its rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def card_tables(backtest: Mapping[str, Any], currency: str = "") -> list[Table]:
    """The tables that a backtest's JSON has figures for; those of former releases have none."""
    tables = (
        _calibration(backtest),
        _value_intervals(backtest, currency),
        _value_deciles(backtest, currency),
        _segments(backtest),
        _gains(backtest),
        _learning_curve(backtest),
        _controls(backtest),
        _cost(backtest),
    )
    return [table for table in tables if table is not None and table.rows]


def control_rows(checks: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The leak controls: what was tried, whether it passed, and the figures."""
    rows = []
    for key, (label, told) in _CONTROLS.items():
        found = checks.get(key)
        if found is None:
            continue
        if "skipped" in found:
            rows.append((label, "left out", str(found["skipped"])))
        else:
            rows.append((label, "passed" if found["passed"] else "failed", told(found)))
    return rows


def figure(found: Mapping[str, float] | None, decimals: int) -> str:
    """A figure with its interval; an en dash for none."""
    if not found:
        return MISSING
    return f"{number(found['mean'], decimals)} {interval(found.get('low'), found.get('high'), decimals)}"


def _calibration(backtest: Mapping[str, Any]) -> Table:
    models = backtest.get("calibration", {})
    rows = tuple(
        (
            model_name(key).label,
            figure(models[key].get("slope"), 3),
            figure(models[key].get("intercept"), 3),
            figure(models[key].get("in_the_large"), 3),
            figure(models[key].get("ece"), 4),
            number(models[key].get("ece_perfect", {}).get("mean"), 4),
            figure(backtest.get("models", {}).get(key, {}).get("churn_log_loss_skill"), 3),
        )
        for key in in_order(list(models))
    )
    return Table(
        "Calibration of churn risk, customers of all cutoffs together: slope 1 and intercept 0 are right; beside the "
        "calibration error what a perfectly calibrated model of the same risks would show by chance",
        ("Model", "Slope", "Intercept", "Level", "Calibration error", "By chance", "Log-loss skill"),
        rows,
    )


def _value_intervals(backtest: Mapping[str, Any], currency: str) -> Table | None:
    found = backtest.get("value_intervals", {}).get(SUBJECT)
    if found is None:
        return None
    folds = [str(fold["cutoff"])[:10] for fold in backtest.get("folds", ())]
    by_cutoff = found.get("by_cutoff", ())
    rows = [("All cutoffs", figure(found.get("coverage"), 3), figure(found.get("width"), 1))]
    if len(folds) == len(by_cutoff):
        rows += [(cutoff, number(share, 3), MISSING) for cutoff, share in zip(folds, by_cutoff, strict=True)]
    rows += [
        (f"Tenth {each['decile']} by predicted value", number(each["coverage"], 3), number(each["width"], 1))
        for each in found.get("by_decile", ())
    ]
    unit = f", {currency}" if currency else ""
    return Table(
        f"Value intervals of {percent(found.get('level'))}: how many realised values lay within, and how wide they "
        f"are. Without a purchase: {percent(found.get('share_without_purchase'), 1)} of customers",
        ("", "Coverage", f"Mean width{unit}"),
        tuple(rows),
    )


def _value_deciles(backtest: Mapping[str, Any], currency: str) -> Table | None:
    found = backtest.get("value_by_decile", {}).get(SUBJECT)
    if found is None:
        return None
    return Table(
        "Value by tenth of the predicted mean",
        ("Tenth", "Predicted", "Observed", "Mean absolute error", "Without a purchase"),
        tuple(
            (
                str(each["decile"]),
                money(each["predicted"], currency, 1),
                money(each["observed"], currency, 1),
                money(each["mean_absolute_error"], currency, 1),
                percent(each["share_without_purchase"], 1),
            )
            for each in found
        ),
    )


def _segments(backtest: Mapping[str, Any]) -> Table:
    rows = []
    for each in backtest.get("segments", ()):
        figures = each["models"].get(SUBJECT, {})
        bounds = f"{number(each['from'])} to {number(each['to'])} {_SEGMENTATIONS.get(each['by'], each['by'])}"
        rows.append(
            (
                bounds,
                number(each["rows"]),
                percent(each["churn_rate"], 1),
                figure(figures.get("churn_auc"), 3),
                figure(figures.get("churn_brier"), 4),
                figure(figures.get("value_mae"), 1),
            )
        )
    return Table(
        "Within quarters of the customers, by what was known at the cutoff: how often they had bought, and how lately",
        ("Customers with", "Rows", "Churn rate", "AUROC", "Brier score", "Value, mean absolute error"),
        tuple(rows),
    )


def _gains(backtest: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            percent(each["contacted"]),
            figure(each.get("share_of_churners"), 3),
            figure(each.get("lift"), 2),
            figure(each.get("share_of_value"), 3),
        )
        for each in backtest.get("gains", {}).get(SUBJECT, ())
    )
    return Table(
        "Lift and gains: contacting so many, the riskiest (or, for value, the most valuable) first",
        ("Contacted", "Churners reached", "Lift", "Later value reached"),
        rows,
    )


def _learning_curve(backtest: Mapping[str, Any]) -> Table:
    curve = backtest.get("learning_curve", {})
    rows = tuple(
        (
            number(each["training_cutoffs"]),
            number(each["examples"]),
            figure(each["figures"].get("churn_auc"), 3),
            figure(each["figures"].get("churn_average_precision"), 3),
            figure(each["figures"].get("value_mae"), 1),
            duration(each["seconds"]) if "seconds" in each else MISSING,
        )
        for each in curve.get("points", ())
    )
    return Table(
        f"Learning curve at {curve.get('cutoff', MISSING)}: with one training cutoff, and with all",
        ("Training cutoffs", "Examples", "AUROC", "Average precision", "Value, mean absolute error", "Took"),
        rows,
    )


def _controls(backtest: Mapping[str, Any]) -> Table:
    checks = backtest.get("leak_checks", {})
    return Table(
        f"Leak controls at {checks.get('cutoff', MISSING)}: what must not work",
        ("Control", "Outcome", "Figures"),
        tuple(control_rows(checks)),
    )


def _cost(backtest: Mapping[str, Any]) -> Table:
    seconds = backtest.get("seconds", {})
    parts = ("features", "intervals", "trials")
    names = {"features": "Features", "intervals": "Intervals", "trials": "Controls and learning curve"}
    models: Sequence[str] = in_order([key for key in seconds if key not in parts])
    rows = [(model_name(key).label, duration(seconds[key])) for key in models]
    rows += [(names[key], duration(seconds[key])) for key in parts if key in seconds]
    return Table("What it cost, all cutoffs together", ("", "Wall time"), tuple(rows))


def _rewired(found: Mapping[str, Any]) -> str:
    return f"gain of the graph {figure(found['gain'], 4)}, of the rewired one {figure(found['gain_rewired'], 4)}"


def _shuffled(found: Mapping[str, Any]) -> str:
    return f"AUROC {number(found['churn_auc'], 3)}, to be within {number(found['tolerance'], 2)} of one half"


def _future(found: Mapping[str, Any]) -> str:
    wrong = [name for name, equal in found["equal"].items() if not equal]
    return f"different: {', '.join(wrong)}" if wrong else "examples, labels and predictions equal to the last bit"


def _too_good(found: Mapping[str, Any]) -> str:
    best = found["best"][0]
    named = f"too good: {', '.join(found['too_good'])}; " if found["too_good"] else ""
    return (
        f"{named}best alone is {best['feature']} with AUROC {number(best['churn_auc'], 3)}; beyond "
        f"{number(found['threshold'], 3)} it would be suspect (recency: {number(found['recency'], 3)})"
    )


_CONTROLS = {
    "rewired_graph": ("Purchases rewired at random, all degrees kept", _rewired),
    "shuffled_labels": ("Outcomes to learn from dealt out at random", _shuffled),
    "future_events": ("Everything after the cutoff falsified", _future),
    "feature_too_good": ("A single feature that is too good", _too_good),
}
