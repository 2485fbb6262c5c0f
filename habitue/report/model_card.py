"""The model card: what the forecaster is for, how it did and where it should not be trusted, filled from backtests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from habitue.report.card import Table, card_tables, figure
from habitue.report.names import METRICS, in_order, model_name
from habitue.report.numbers import MISSING, number
from habitue.report.verdict import comparisons, difference_text


def model_card(backtests: Sequence[Mapping[str, Any]]) -> str:
    """The card as Markdown.

    Args:
        backtests: Objects as `habitue backtest --json` prints them, one for each data set and horizon.
    """
    parts = [_text("model-card-begin.md")]
    for backtest in backtests:
        parts += _of_backtest(backtest)
    parts.append(_text("model-card-end.md"))
    return "\n".join(parts).rstrip() + "\n"


def _of_backtest(backtest: Mapping[str, Any]) -> list[str]:
    task, folds = backtest["task"], backtest.get("folds", ())
    window = task.get("active_window_days")
    population = f"customers with a purchase in the {window} days before" if window else "everybody who bought before"
    cutoffs = ", ".join(f"{fold['cutoff']} ({number(fold['customers'])} customers)" for fold in folds)
    churn = ", ".join(f"{number(100 * fold['churn_rate'], 1)} %" for fold in folds)
    models = backtest.get("models", {})
    names = in_order(list(models))
    figures = Table(
        "Mean over cutoffs, with 95 % intervals from resamples of customers",
        ("Model", *(metric.label for metric in METRICS.values())),
        tuple(
            (
                model_name(name).label,
                *(figure(models[name].get(key), metric.decimals) for key, metric in METRICS.items()),
            )
            for name in names
        ),
    )
    differences = Table(
        "Habitué minus each other model, over the same customers",
        ("Metric", "Against", "Difference", "Habitué is"),
        tuple(
            (METRICS[row.metric].label, model_name(row.versus).label, difference_text(row), row.outcome)
            for row in comparisons(backtest)
        ),
    )
    return [
        f"## {backtest['dataset']}, {task['horizon_days']} days",
        "",
        f"Counted: {population} the cutoff. Cutoffs: {cutoffs or MISSING}. Churn rates: {churn or MISSING}. "
        f"Seed {backtest.get('seed', MISSING)}.",
        "",
        *(line for table in (figures, differences, *card_tables(backtest)) for line in _markdown(table)),
    ]


def _text(name: str) -> str:
    return files("habitue.report").joinpath("templates", name).read_text(encoding="utf-8")


def _markdown(table: Table) -> list[str]:
    if not table.rows:
        return []
    return [
        f"**{table.caption}**",
        "",
        "| " + " | ".join(each or " " for each in table.columns) + " |",
        "|" + "|".join("---" for _ in table.columns) + "|",
        *("| " + " | ".join(row) + " |" for row in table.rows),
        "",
    ]
