"""From a forecast and the graph to the table of scores: one row per customer, every number with its evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from embeddings.novelty import Novelty
from gnn.forecast import Forecast
from gnn.task import Task, population
from graph.snapshot import FloatArray, Int32Array, Snapshot
from habitue.errors import UsageError
from scoring.components import Logic, at_stake, impact, logic, meta, reproducibility
from scoring.fusion import COMPONENTS, Fused, Weights, fuse, percentile
from scoring.hyperscore import CENTRED, PUBLISHED, Preset, hyperscore

#: Columns of the table of scores, in their order.
COLUMNS: Final = (
    "customer_id", "active", "churn_risk", "churn_risk_low", "churn_risk_high", "expected_value", "value_median",
    *COMPONENTS, "v", "hyperscore", "hyperscore_centred", "hyperscore_percentile", "reasons", "evidence",
)  # fmt: skip

#: What moves a customer's risk: `feature`, `label`, `value`, `contribution`, `direction`.
Reason = Mapping[str, Any]


@dataclass(frozen=True)
class ScoreSettings:
    """How scores are made.

    Attributes:
        weights: Weights of the components.
        preset: Parameters of `hyperscore`; `hyperscore_centred` stands beside it always.
    """

    weights: Weights = field(default_factory=Weights)
    preset: Preset = PUBLISHED


def score(
    snapshot: Snapshot,
    rows: Int32Array,
    forecast: Forecast,
    novelty: Novelty,
    task: Task,
    *,
    previous: pd.DataFrame | None = None,
    reasons: Sequence[Sequence[Reason]] | None = None,
    expected_orders: FloatArray | None = None,
    settings: ScoreSettings | None = None,
) -> pd.DataFrame:
    """The table of scores as of a snapshot's date.

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers` of the scored customers, [n]: everybody with a purchase before T.
        forecast: The word of a forecaster on them, in the same order; it must give `churn_risk` and `value_mean`.
        novelty: Of the same customers, in the same order.
        task: Says who counts as active.
        previous: The table of scores as of the previous cutoff, made with the same settings; None where there is
            none, and then nobody has a `meta` component.
        reasons: For each customer, what moves the risk most; None for none.
        expected_orders: How many orders to expect of each within the horizon; they take the place of the expected
            value in `impact` where no purchase has an amount, and without them nobody has an `impact` there.
        settings: Weights and parameters; default: `ScoreSettings()`.

    Returns:
        A frame with `COLUMNS`, sorted as `rows`. A component without a basis is NaN; `evidence` names it under
        `missing` and gives the weights that then applied. Values are NaN where the data have no amounts.

    Raises:
        UsageError: If the forecast lacks a prediction, or lengths differ.
    """
    settings = settings or ScoreSettings()
    risk, value_mean = forecast.churn_risk, forecast.value_mean
    if risk is None or value_mean is None:
        raise UsageError(
            "A score needs a probability of churn and a mean value, and this forecaster does not give both.",
            hint="Choose a model that does, such as `habitue` or `lightgbm`.",
        )
    given = (rows, risk, value_mean, novelty.value, reasons, expected_orders)
    lengths = {len(each) for each in given if each is not None}
    if len(lengths) != 1:
        raise UsageError(f"Scores need one entry per customer everywhere, and there are {sorted(lengths)}.")
    unknown = np.full(len(rows), np.nan)
    consistency = logic(snapshot, rows)
    # Without a single amount, what is foretold of value is noise around zero, and so would its ranks be.
    has_amounts = bool(np.isfinite(snapshot.purchases.amount).any())
    worth = value_mean if has_amounts else expected_orders
    components = {
        "logic": consistency.value,
        "novelty": novelty.value,
        "impact": unknown if worth is None else impact(risk, worth),
        "reproducibility": _agreement(forecast, risk),
    }
    ids = snapshot.customers.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    # Meta is about the other four: their fused value now against the same at the previous cutoff.
    now = fuse(components, settings.weights).value
    before = unknown if previous is None else _before(ids, previous, settings.weights)
    components["meta"] = meta(now, before)
    fused = fuse(components, settings.weights)
    preset = settings.preset
    active = np.isin(rows, population(snapshot, task))
    stake = unknown if worth is None else at_stake(risk, worth)
    named = ("at_stake" if has_amounts else "orders_at_stake", stake)
    evidence = _evidence(forecast, named, novelty, consistency, components, fused, now, before)
    columns: dict[str, Any] = {
        "customer_id": ids,
        "active": active,
        "churn_risk": risk,
        "churn_risk_low": unknown if forecast.churn_risk_low is None else forecast.churn_risk_low,
        "churn_risk_high": unknown if forecast.churn_risk_high is None else forecast.churn_risk_high,
        "expected_value": value_mean if has_amounts else unknown,
        "value_median": unknown if forecast.value_median is None or not has_amounts else forecast.value_median,
        **components,
        "v": fused.value,
        "hyperscore": hyperscore(fused.value, preset.beta, preset.gamma, preset.kappa),
        "hyperscore_centred": hyperscore(fused.value, CENTRED.beta, CENTRED.gamma, CENTRED.kappa),
        "hyperscore_percentile": percentile(fused.value),
        "reasons": ["[]"] * len(rows) if reasons is None else [_json(list(each)) for each in reasons],
        "evidence": evidence,
    }
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


def _agreement(forecast: Forecast, risk: FloatArray) -> FloatArray:
    """Reproducibility about the mean of the members' risks, of which `disagreement` is the standard deviation.

    The churn risk itself may be another number (the blend's logit, calibrated); it serves where there is no such mean.
    """
    if forecast.disagreement is None:
        return np.full(len(risk), np.nan)
    return reproducibility(risk if forecast.members_mean is None else forecast.members_mean, forecast.disagreement)


def _before(ids: np.ndarray[Any, Any], previous: pd.DataFrame, weights: Weights) -> FloatArray:
    """The fused value of the four components without meta at the previous cutoff, NaN for those not scored then."""
    four = {name: previous[name].to_numpy(np.float64) for name in COMPONENTS if name != "meta"}
    then = pd.Series(fuse(four, weights).value, index=previous["customer_id"].to_numpy())
    return np.asarray(then.reindex(ids), np.float64)


def _evidence(
    forecast: Forecast,
    named_stake: tuple[str, FloatArray],
    novelty: Novelty,
    consistency: Logic,
    components: Mapping[str, FloatArray],
    fused: Fused,
    now: FloatArray,
    before: FloatArray,
) -> list[str]:
    result = []
    name_of_stake, stake = named_stake
    for row in range(len(stake)):
        broken = {
            name: {"broken": int(wrong[row]), "of": int(consistency.facts[name][row])}
            for name, wrong in consistency.broken.items()
            if wrong[row]
        }
        applied = sum(1 for facts in consistency.facts.values() if facts[row])
        document: dict[str, Any] = {
            "logic": {"rules_applied": applied, "broken": broken},
            "novelty": {
                name: {"value": _number(values[row]), "percentile": _number(novelty.percentiles[name][row])}
                for name, values in novelty.parts.items()
            },
            "impact": {name_of_stake: _number(stake[row])},
            "reproducibility": {
                "disagreement": None if forecast.disagreement is None else _number(forecast.disagreement[row])
            },
            "meta": {"v_without_meta": _number(now[row]), "v_without_meta_before": _number(before[row])},
            "weights": {name: _number(weight) for name, weight in zip(COMPONENTS, fused.weights[row], strict=True)},
            "missing": [name for name in COMPONENTS if np.isnan(components[name][row])],
        }
        result.append(_json(document))
    return result


def _number(value: float) -> float | None:
    """A float for JSON: six significant digits, null where not known."""
    return None if np.isnan(value) else float(f"{value:.6g}")


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
