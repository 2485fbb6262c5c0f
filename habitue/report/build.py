"""Puts the report together: figures become text, tables and charts, and a template makes one page of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from habitue.report import charts, tables
from habitue.report.card import card_tables
from habitue.report.names import CHURN_METRICS, CONTROL, METRICS, RIVAL, SUBJECT, VALUE_METRICS, in_order, model_name
from habitue.report.numbers import MISSING, duration, money, number, percent
from habitue.report.verdict import comparisons, findings, headline

#: The differences that are drawn; a table holds them all.
_DRAWN = ("churn_auc", "churn_average_precision", "value_mae", "value_top_decile_capture")


def build_report(
    manifest: Mapping[str, Any], backtest: Mapping[str, Any], curves: Mapping[str, Any], scores: pd.DataFrame
) -> str:
    """The report of one run as a self-contained HTML document: no script, and nothing fetched from anywhere.

    Args:
        manifest: The run's `manifest.json`.
        backtest: Its `backtest.json`, as `habitue backtest --json` prints it; may hold no folds.
        curves: Its `curves.json`; may be empty.
        scores: Its `scores.parquet`: one row per scored customer.

    Returns:
        The document. The same arguments always give the same text.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("habitue.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = comparisons(backtest)
    currency = str(manifest.get("currency") or "")
    return environment.get_template("report.html.j2").render(
        run=_run(manifest, backtest),
        headline=headline(backtest),
        findings=findings(backtest),
        glance=_glance(scores, currency),
        churn_metrics=list(CHURN_METRICS.values()),
        value_metrics=list(VALUE_METRICS.values()),
        churn_rows=tables.model_rows(backtest, CHURN_METRICS),
        value_rows=tables.model_rows(backtest, VALUE_METRICS),
        folds=tables.fold_rows(backtest),
        forests=[
            (METRICS[metric], chart)
            for metric in _DRAWN
            if (chart := charts.forest_chart(f"forest-{metric}", metric, rows)) is not None
        ],
        differences=tables.difference_rows(rows),
        card=card_tables(backtest, currency),
        **_curves(curves.get("models", {})),
        histogram=charts.score_histogram(
            "histogram", scores["hyperscore"].to_numpy(np.float64), scores["active"].to_numpy(np.bool_)
        ),
        components=tables.component_rows(scores, manifest.get("weights", {})),
        reasons=tables.reason_rows(scores),
        customers=tables.customer_rows(scores, currency),
        missing=MISSING,
    )


def _run(manifest: Mapping[str, Any], backtest: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the run: the headline's, and those one needs to repeat it."""
    task = manifest.get("task", {})
    active = task.get("active_window_days")
    preset = manifest.get("hyperscore", {})
    peak = backtest.get("peak_memory_bytes")
    horizon = task.get("horizon_days")
    seed = manifest.get("seed")
    as_of = str(manifest.get("as_of", ""))[:10] or MISSING
    facts = {
        "Run": manifest.get("id"),
        "Made": str(manifest.get("created_at", ""))[:19].replace("T", " "),
        "Seed": seed,
        "Data fingerprint": manifest.get("data_fingerprint"),
        "Preset": preset.get("preset")
        and f"{preset['preset']} (β = {preset['beta']:g}, γ = {preset['gamma']:.4g}, κ = {preset['kappa']:g})",
        "Backtest took": duration(sum(backtest["seconds"].values())) if backtest.get("seconds") else None,
        "Peak memory": peak and f"{number(peak / 2**30, 2)} GiB",
        "Publisher": manifest.get("publisher"),
        "Follows run": manifest.get("parent"),
        "Reason": manifest.get("reason"),
    }
    return {
        "dataset": manifest.get("dataset", MISSING),
        "as_of": as_of,
        "horizon": number(horizon),
        "population": (
            f"customers with a purchase in the {active} days before the cutoff"
            if active
            else "every customer with a purchase before the cutoff"
        ),
        "id": manifest.get("id", MISSING),
        "currency": manifest.get("currency") or "",
        "facts": {name: str(value) for name, value in facts.items() if value not in (None, "")},
        "versions": dict(sorted(manifest.get("versions", {}).items())),
        "settings": {
            name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for name, value in sorted(manifest.get("settings", {}).items())
        },
        "command": f"habitue train --cutoff {as_of} --horizon {horizon} --seed {seed}",
        "comparisons": len(backtest.get("paired", ())),
    }


def _glance(scores: pd.DataFrame, currency: str) -> list[tuple[str, str]]:
    """The four figures to read first, each with what it is."""
    active = scores[scores["active"].astype(bool)]
    risk, value = active["churn_risk"], active["expected_value"]
    return [
        (number(len(scores)), f"customers scored, of them {number(len(active))} active"),
        (percent(float(risk.mean()), 1) if len(active) else MISSING, "mean churn risk of the active"),
        (money(float(value.sum(min_count=1)), currency), "expected from the active within the horizon"),
        (money(float((risk * value).sum(min_count=1)), currency), "of that at stake: each value times its risk"),
    ]


def _curves(models: Mapping[str, Any]) -> dict[str, Any]:
    """The four curve charts, their legend, and what the lift curves say in words."""
    lift = models.get(SUBJECT, {}).get("lift")
    gains = models.get(SUBJECT, {}).get("gains_value")
    compared = [key for key in (SUBJECT, RIVAL) if key in models]
    return {
        "legend": [(charts.legend_sample(key), model_name(key).label) for key in in_order(list(models)) if models[key]],
        "reliability_legend": [(charts.legend_sample(key), model_name(key).label) for key in compared],
        "roc": _chart(
            models,
            "roc",
            "false_positive_rate",
            "true_positive_rate",
            "of those who stay, wrongly flagged",
            "of those who leave, flagged",
            "ROC curves",
        ),
        "reliability": charts.reliability_chart("reliability", models, compared),
        "lift": _chart(
            models,
            "lift",
            "share_contacted",
            "share_of_churners",
            "customers contacted, riskiest first",
            "churners reached",
            "Lift curves",
        ),
        "gains": _chart(
            models,
            "gains_value",
            "share_contacted",
            "share_of_value",
            "customers contacted, most valuable first",
            "later value reached",
            "Value gains curves",
        ),
        "lift_tenth": lift and percent(charts.share_reached(lift, 0.1, "share_of_churners")),
        "gains_tenth": gains and percent(charts.share_reached(gains, 0.1, "share_of_value")),
        "has_control": CONTROL in models,
    }


def _chart(
    models: Mapping[str, Any], kind: str, x: str, y: str, x_title: str, y_title: str, title: str
) -> Markup | None:
    description = f"One line for each model; horizontally {x_title}, vertically {y_title}. The straight line is chance."
    return charts.curve_chart(
        f"curve-{kind}", models, kind, x=x, y=y, x_title=x_title, y_title=y_title, title=title, description=description
    )
