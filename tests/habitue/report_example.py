"""A made-up run for the report's tests: plausible figures from a seed, in the shapes that a real run writes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

#: Mean, and half the width of the interval.
CHURN = {
    "habitue": {"churn_auc": (0.874, 0.016), "churn_average_precision": (0.512, 0.04), "churn_brier": (0.0581, 0.004)},
    "habitue_without_graph": {"churn_auc": (0.87, 0.016), "churn_average_precision": (0.5, 0.04)},
    "lightgbm": {
        "churn_auc": (0.866, 0.017),
        "churn_average_precision": (0.481, 0.041),
        "churn_brier": (0.0598, 0.004),
    },
    "bg_nbd_gamma_gamma": {"churn_auc": (0.851, 0.018), "churn_average_precision": (0.44, 0.042)},
    "rfm_logistic": {"churn_auc": (0.849, 0.018), "churn_average_precision": (0.433, 0.04)},
    "recency": {"churn_auc": (0.812, 0.02)},
}
VALUE = {
    "habitue": {"value_mae": (121.3, 5.0), "value_spearman": (0.818, 0.011), "value_top_decile_capture": (0.343, 0.01)},
    "habitue_without_graph": {"value_mae": (122.0, 5.0), "value_spearman": (0.816, 0.011)},
    "lightgbm": {
        "value_mae": (119.9, 5.1),
        "value_spearman": (0.814, 0.011),
        "value_top_decile_capture": (0.341, 0.01),
    },
    "bg_nbd_gamma_gamma": {"value_mae": (132.6, 5.6), "value_top_decile_capture": (0.334, 0.01)},
}
DIFFERENCES = {
    ("churn_auc", "lightgbm"): (0.008, 0.002, 0.014),
    ("churn_auc", "habitue_without_graph"): (0.004, -0.001, 0.009),
    ("churn_auc", "bg_nbd_gamma_gamma"): (0.023, 0.014, 0.032),
    ("churn_auc", "rfm_logistic"): (0.025, 0.016, 0.035),
    ("churn_auc", "recency"): (0.062, 0.049, 0.075),
    ("churn_average_precision", "lightgbm"): (0.031, 0.012, 0.05),
    ("churn_average_precision", "habitue_without_graph"): (0.012, -0.003, 0.027),
    ("churn_average_precision", "bg_nbd_gamma_gamma"): (0.072, 0.045, 0.1),
    ("churn_average_precision", "rfm_logistic"): (0.079, 0.05, 0.109),
    ("value_mae", "lightgbm"): (1.4, 0.5, 2.3),
    ("value_mae", "habitue_without_graph"): (-0.7, -1.6, 0.2),
    ("value_mae", "bg_nbd_gamma_gamma"): (-11.3, -14.2, -8.4),
    ("value_top_decile_capture", "lightgbm"): (0.002, -0.003, 0.007),
    ("value_top_decile_capture", "bg_nbd_gamma_gamma"): (0.009, 0.002, 0.016),
}
FEATURES = {
    "days_since_last_purchase": "Days since the last purchase",
    "orders_90": "Orders in the last 90 days",
    "gap_ratio": "Present gap over the usual gap",
    "spend_trend": "Spend of the last 60 days over the 60 before",
    "categories": "Distinct categories",
    "discount_share": "Share of spend at a discount",
    "redemptions": "Coupons redeemed",
}


def manifest() -> dict[str, Any]:
    """A run's `manifest.json`."""
    return {
        "id": "20171231T000000-3f9a1c",
        "created_at": "2026-02-03T10:15:42",
        "dataset": "complete-journey",
        "currency": "USD",
        "as_of": "2018-01-01T00:00:00",
        "task": {"horizon_days": 60, "active_window_days": 180},
        "seed": 7,
        "settings": {"folds": 5, "transe_dimension": 64},
        "data_fingerprint": "b3:5d1f0c8e7a2b4d90",
        "versions": {"habitue": "0.1.0", "torch": "2.13.0", "lightgbm": "4.7.0", "python": "3.11.7"},
        "weights": {"logic": 0.2, "novelty": 0.2, "impact": 0.2, "reproducibility": 0.2, "meta": 0.2},
        "hyperscore": {"preset": "published", "beta": 5, "gamma": -0.693147, "kappa": 2},
        "metrics": {},
        "publisher": "analyst@example",
        "parent": None,
        "reason": "",
    }


def backtest() -> dict[str, Any]:
    """A run's `backtest.json`."""
    models = {
        model: {
            metric: {"mean": mean, "low": mean - half, "high": mean + half}
            for metric, (mean, half) in (figures | VALUE.get(model, {})).items()
        }
        for model, figures in CHURN.items()
    }
    return {
        "dataset": "complete-journey",
        "task": {"horizon_days": 60, "active_window_days": 180},
        "folds": [
            {"cutoff": f"2017-{month}", "customers": customers, "churn_rate": rate}
            for month, customers, rate in (
                ("07-05", 2401, 0.052),
                ("08-04", 2410, 0.058),
                ("09-03", 2415, 0.061),
                ("10-03", 2411, 0.067),
                ("11-02", 2408, 0.074),
            )
        ],
        "models": models,
        "paired": [
            {"metric": metric, "model": "habitue", "versus": versus, "difference": mean, "low": low, "high": high}
            for (metric, versus), (mean, low, high) in DIFFERENCES.items()
        ],
        "seconds": {"habitue": 94.1, "lightgbm": 12.4},
        "peak_memory_bytes": 2_410_000_000,
    }


def curves() -> dict[str, Any]:
    """A run's `curves.json`: lines bent by one parameter for each model."""
    share = np.linspace(0, 1, 101)
    made = {}
    for index, (model, figures) in enumerate(CHURN.items()):
        auc = figures["churn_auc"][0]
        risk = np.array([0.004, 0.01, 0.02, 0.035, 0.06, 0.1, 0.16, 0.24, 0.36, 0.55])
        observed = np.clip(risk * (1 + 0.1 * np.sin(3 * risk * 10 + index)), 0, 1)
        half = 1.96 * np.sqrt(risk * (1 - risk) / 1200)
        made[model] = {
            "roc": {
                "false_positive_rate": share.tolist(),
                "true_positive_rate": (share ** (1 / auc - 1)).tolist(),
            },
            "reliability": {
                "predicted": risk.tolist(),
                "observed": observed.tolist(),
                "low": np.clip(observed - half, 0, 1).tolist(),
                "high": (observed + half).tolist(),
                "count": [1200] * len(risk),
            },
            "lift": {
                "share_contacted": share.tolist(),
                "share_of_churners": (1 - (1 - share) ** (9 * auc - 2)).tolist(),
            },
            "gains_value": {
                "share_contacted": share.tolist(),
                "share_of_value": (1 - (1 - share) ** (2.9 + auc)).tolist(),
            },
        }
    return {"models": made}


def scores(count: int = 800, seed: int = 3) -> pd.DataFrame:
    """A run's `scores.parquet`."""
    random = np.random.default_rng(seed)
    active = random.random(count) < 0.93
    risk = np.where(active, random.beta(0.6, 6, count), random.beta(6, 2, count))
    value = random.lognormal(4.8, 1.0, count) * (1 - risk)
    parts = {
        "logic": np.minimum(1, random.beta(30, 1, count)),
        "novelty": random.beta(3, 3, count),
        "impact": (np.argsort(np.argsort(risk * value)) + 0.5) / count,
        "reproducibility": random.beta(9, 2, count),
        "meta": random.beta(12, 2, count),
    }
    total = sum(parts.values()) / 5
    hyperscore = 100 * (1 + (1 / (1 + np.exp(-(5 * np.log(total) - np.log(2))))) ** 2)
    contributions = random.normal(0, 0.5, (count, len(FEATURES))) * np.linspace(1.5, 0.3, len(FEATURES))
    values = random.integers(1, 90, (count, len(FEATURES)))
    return pd.DataFrame(
        {
            "customer_id": [str(10_000 + row) for row in range(count)],
            "active": active,
            "churn_risk": risk,
            "churn_risk_low": np.clip(risk - 0.04, 0, 1),
            "churn_risk_high": np.clip(risk + 0.06, 0, 1),
            "expected_value": value,
            "value_median": 0.8 * value,
            **parts,
            "v": total,
            "hyperscore": hyperscore,
            "hyperscore_centred": hyperscore,
            "hyperscore_percentile": 100 * (np.argsort(np.argsort(hyperscore)) + 0.5) / count,
            "reasons": [_reasons(contributions[row], values[row]) for row in range(count)],
            "evidence": ["{}"] * count,
        }
    )


def _reasons(contributions: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> str:
    names = list(FEATURES)
    return json.dumps(
        [
            {
                "feature": names[index],
                "label": FEATURES[names[index]],
                "value": int(values[index]),
                "contribution": float(contributions[index]),
                "direction": "raises" if contributions[index] > 0 else "lowers",
            }
            for index in np.argsort(-np.abs(contributions))[:3]
        ]
    )
