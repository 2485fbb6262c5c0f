"""Why a customer's churn risk is what it is: the few things that move it most, in words and numbers.

- **Features**: the trees' exact Shapley values (TreeSHAP, Lundberg and others, 2020, as LightGBM computes them), and
  the network's gradient times input, each weighed by its share in the blend. Both are log-odds against the average
  training customer. Other parts of the blend that read the same features are spoken for by the trees.
- **Graph**: what the score loses when a category of products is left out of the graph; see `gnn.graph_evidence`.

They explain a prediction, not what causes a customer to leave; `bench/bench_reasons.py` checks that removing what is
named moves the score more than removing as many others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from gnn.baselines.lightgbm_forecaster import threads_for
from gnn.features import align
from gnn.fitted_forecaster import PARTS
from gnn.gcn import CHURN_LOGIT
from gnn.graph_evidence import MOST_CUSTOMERS, evidence, left_out

if TYPE_CHECKING:
    from gnn.baselines.lightgbm_forecaster import LightGBM
    from gnn.features import Features
    from gnn.forecast import Examples
    from gnn.graph_evidence import GraphGroup
    from gnn.habitue_forecaster import HabitueForecaster
    from graph.snapshot import FloatArray

#: Contributions smaller than this, in log-odds, are no reason: they move a risk of one half by a quarter of a percent.
_SMALLEST: Final = 0.01
#: Kind of a reason from the graph, whose name is this, a colon and the category.
GRAPH: Final = "graph"


def churn_contributions(trees: LightGBM, features: Features) -> FloatArray:
    """Contributions of each feature to the trees' churn log-odds, and last the average: n×(f+1), rows sum to the logit.

    Args:
        trees: Fitted trees; without a churn booster (all labels alike) everything is zero.
        features: Features of n customers.
    """
    if "churn" not in trees.boosters:
        return np.zeros((len(features), len(trees.names) + 1))
    values = align(features, trees.names).values
    told = trees.boosters["churn"].predict(values, pred_contrib=True, num_threads=threads_for(len(values)))
    return np.asarray(told, np.float64)


def network_contributions(forecaster: HabitueForecaster, examples: Examples) -> FloatArray:
    """Gradient times input of the network's mean churn logit, by tabular feature of the trees.

    Inputs are standardised, so that the average training customer is at zero; what the features do by way of the graph
    is not in them.

    Returns:
        n×f in the order of the trees' features (a missing value's flag counts for its feature).
    """
    fitted = forecaster.require_fitted()
    half, names = fitted.network, list(fitted.trees.names)
    given: list[tuple[torch.Tensor, ...]] = []
    hook = half.network.register_forward_pre_hook(lambda _module, inputs: given.append(inputs))
    try:
        half.predict(examples, forecaster.shared, forecaster.embedding_features)
    finally:
        hook.remove()
    products = []
    for tabular, *rest in given:
        inputs = tabular.detach().clone().requires_grad_(True)
        logits = half.network(inputs, *rest)[..., CHURN_LOGIT].mean(dim=0)
        (gradient,) = torch.autograd.grad(logits.sum(), inputs)
        products.append((gradient * inputs.detach()).numpy().astype(np.float64))
    product = np.concatenate(products)
    transform = half.statistics.transform
    by_feature = np.zeros((len(product), len(names)))
    flagged = [name for name, flag in zip(transform.names, transform.flagged, strict=True) if flag > 0]
    for column, name in enumerate([*transform.names, *flagged]):
        if name in names:
            by_feature[:, names.index(name)] += product[:, column]
    return by_feature


def churn_reasons(
    forecaster: HabitueForecaster,
    examples: Examples,
    *,
    most: int = 5,
    found: tuple[FloatArray, list[GraphGroup]] | None = None,
) -> list[list[dict[str, Any]]]:
    """The few things that move each customer's risk most, largest first; the graph has a word where it says anything.

    Args:
        forecaster: A fitted one.
        examples: The n customers, with their features.
        most: At most so many reasons each; fewer where few things matter.
        found: What `all_contributions` says, where it has been asked already.

    Returns:
        One list for each customer of JSON objects: `feature` (its name), `label` (what it means to a reader, with its
        unit), `value` (the customer's; None where undefined), `contribution` (what it adds to the log-odds of churn),
        `direction` (whether that `raises` or `lowers` the risk), `kind` (`feature` or `graph`), and for a
        category of the graph its `evidence`.

    Raises:
        NotTrainedError: Before the forecaster is fitted.
    """
    contributions, groups = found or all_contributions(forecaster, examples)
    names = forecaster.require_fitted().trees.names
    aligned = align(examples.features, names)
    known = [_of_customers(examples, group) for group in groups]
    result = []
    for row, columns in enumerate(named_columns(contributions, len(names), most)):
        reasons = []
        for column in columns:
            contribution = float(contributions[row, column])
            if column < len(names):
                reasons.append(_reason(aligned, row, column, contribution))
            else:
                place = column - len(names)
                reasons.append(_of_graph(groups[place], known[place], row, contribution))
        result.append(reasons)
    return result


def named_columns(contributions: FloatArray, graph_from: int, most: int) -> list[list[int]]:
    """The columns named for each customer, by size of the contribution; those too small are no reason.

    Where a category of the graph contributes anything of note, the last place is its own.

    Args:
        contributions: n×c.
        graph_from: The first column of the graph's categories.
        most: At most so many columns.
    """
    sizes = np.abs(contributions)
    leading = np.argsort(-sizes, axis=1, kind="stable")[:, :most]
    result = []
    for row, columns in enumerate(leading.tolist()):
        if all(column < graph_from for column in columns) and len(columns) == most:
            best = graph_from + int(sizes[row, graph_from:].argmax()) if graph_from < sizes.shape[1] else -1
            if best >= 0 and sizes[row, best] >= _SMALLEST:
                columns = [*columns[:-1], best]
        result.append([column for column in columns if sizes[row, column] >= _SMALLEST])
    return result


def all_contributions(forecaster: HabitueForecaster, examples: Examples) -> tuple[FloatArray, list[GraphGroup]]:
    """Contributions of every feature of the trees, and after them of the groups of the graph.

    Returns:
        n×(f + g), and the g groups. A category of which a customer bought nothing is zero for that customer.
    """
    fitted = forecaster.require_fitted()
    share = network_share(forecaster)
    by_network = network_contributions(forecaster, examples)
    by_feature = (1.0 - share) * churn_contributions(fitted.trees, examples.features)[:, :-1] + share * by_network
    groups: list[GraphGroup] = []
    if fitted.constant_risk is None and fitted.uses_graph and len(examples.rows) <= MOST_CUSTOMERS:
        groups = left_out(lambda each: _score(forecaster, each), examples, _score(forecaster, examples))
    parts = [by_feature]
    for group in groups:
        own = _lines(examples, group) > 0
        parts.append(np.where(own, group.contribution, 0.0)[:, None])
    return np.concatenate(parts, axis=1), groups


def network_share(forecaster: HabitueForecaster) -> float:
    """The network's share in the blend of churn logits."""
    shares = forecaster.require_fitted().weights.churn
    return shares.get("network", 0.0) if shares else 1.0 / len(PARTS)


def _score(forecaster: HabitueForecaster, examples: Examples) -> FloatArray:
    score = forecaster.predict(examples).churn_score
    return np.zeros(len(examples.rows)) if score is None else score


def _lines(examples: Examples, group: GraphGroup) -> FloatArray:
    """How many purchase lines of a group each of the examples' customers has."""
    purchases = examples.snapshot.purchases
    inside = np.append(group.products, False)[purchases.target] & (purchases.target >= 0)
    count = np.bincount(purchases.customer[inside], minlength=len(examples.snapshot.customers))
    return count[examples.rows].astype(np.float64)


def _of_customers(examples: Examples, group: GraphGroup) -> list[dict[str, Any]]:
    return evidence(examples.snapshot, group, examples.rows.astype(np.int64))


def _of_graph(group: GraphGroup, known: list[dict[str, Any]], row: int, contribution: float) -> dict[str, Any]:
    found = known[row]
    label = f"Purchases of {group.name}, as others who bought the same fared (lines)"
    reason = _said(f"{GRAPH}:{group.name}", label, float(found["lines"]), contribution, "graph")
    return {**reason, "evidence": found}


def _reason(features: Features, row: int, column: int, contribution: float) -> dict[str, Any]:
    name, value = features.names[column], float(features.values[row, column])
    known = value if np.isfinite(value) else None
    return _said(name, features.labels.get(name, name), known, contribution, "feature")


def _said(name: str, label: str, value: float | None, contribution: float, kind: str) -> dict[str, Any]:
    return {
        "feature": name,
        "label": label,
        "value": value,
        "contribution": contribution,
        "direction": "raises" if contribution > 0 else "lowers",
        "kind": kind,
    }
