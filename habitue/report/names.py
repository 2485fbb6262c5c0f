"""What the report calls models, metrics and components, and in which direction a metric is good."""

from __future__ import annotations

from dataclasses import dataclass

#: The model of which the run is made, and the two it must answer to.
SUBJECT = "habitue"
RIVAL = "lightgbm"
CONTROL = "habitue_without_graph"


@dataclass(frozen=True)
class ModelName:
    """How one model is named and drawn.

    Attributes:
        label: Name in tables and legends.
        style: Suffix of the CSS class that gives colour, dash and width (`series-…`).
        marker: Shape of its points: `circle`, `square`, `diamond`, `triangle`, `wedge` or `cross`.
    """

    label: str
    style: str
    marker: str


@dataclass(frozen=True)
class Metric:
    """How one metric is named, printed and read.

    Attributes:
        label: Column heading.
        higher_is_better: Direction of improvement.
        decimals: Digits after the point.
        meaning: One line for the reader who does not know the metric.
        monetary: Whether its unit is the data set's currency.
    """

    label: str
    higher_is_better: bool
    decimals: int
    meaning: str
    monetary: bool = False


MODELS: dict[str, ModelName] = {
    SUBJECT: ModelName("Habitué", "subject", "circle"),
    CONTROL: ModelName("Habitué without the graph", "control", "diamond"),
    RIVAL: ModelName("LightGBM", "rival", "square"),
    "bg_nbd_gamma_gamma": ModelName("BG/NBD + Gamma-Gamma", "other-1", "triangle"),
    "rfm_logistic": ModelName("RFM logistic regression", "other-2", "wedge"),
    "recency": ModelName("Recency alone", "other-3", "cross"),
}

CHURN_METRICS: dict[str, Metric] = {
    "churn_auc": Metric("AUROC", True, 3, "chance that a customer who leaves is ranked above one who stays"),
    "churn_average_precision": Metric("Average precision", True, 3, "how pure the top of the risk list is"),
    "churn_brier": Metric("Brier score", False, 4, "mean squared error of the probability"),
    "churn_ece": Metric("Calibration error", False, 3, "mean gap between stated risk and observed share"),
}

VALUE_METRICS: dict[str, Metric] = {
    "value_mae": Metric("Mean absolute error", False, 1, "typical miss of the median prediction", monetary=True),
    "value_rmse": Metric(
        "Root mean squared error", False, 1, "miss of the mean prediction, large ones weigh more", monetary=True
    ),
    "value_spearman": Metric("Spearman correlation", True, 3, "agreement of predicted and realised rank"),
    "value_top_decile_capture": Metric(
        "Top-decile capture", True, 3, "share of all later value held by the tenth predicted highest"
    ),
}

METRICS: dict[str, Metric] = CHURN_METRICS | VALUE_METRICS

COMPONENTS: dict[str, tuple[str, str]] = {
    "logic": ("Logic", "share of consistency rules that the customer's facts satisfy"),
    "novelty": ("Novelty", "how unlike the earlier self and the neighbours the recent behaviour is"),
    "impact": ("Impact", "rank of the expected value at stake"),
    "reproducibility": ("Reproducibility", "agreement among the models of the ensemble"),
    "meta": ("Meta", "stability of the score between the last two cutoffs"),
}


def model_name(key: str) -> ModelName:
    """The name of a model; one that the report does not know is drawn like the other baselines."""
    return MODELS.get(key) or ModelName(key.replace("_", " "), "other-3", "cross")


def in_order(keys: list[str]) -> list[str]:
    """Model keys in the order of the report: the known ones first, in their order, then the others by name."""
    known = [key for key in MODELS if key in keys]
    return known + sorted(set(keys) - set(known))
