"""A fitted forecaster as a directory, and back: safetensors, LightGBM's own text and one JSON; never a pickle.

The directory holds `forecaster.json` (settings, names, weights, calibration), `network.safetensors` (parameters and
input statistics), `parts.safetensors` (the linear part, the basis of the taste vectors), `taste-products.json` (the
basis's product ids) and `<part>-<target>.txt` for each booster. Loaded back, it predicts the same to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from gnn.adjacency import GraphSettings
from gnn.baselines.lightgbm_forecaster import ChurnTrees, LightGBM
from gnn.baselines.random_forest import ChurnForest
from gnn.blend import BlendWeights
from gnn.calibration import PlattCalibration
from gnn.fitted_forecaster import FittedForecaster
from gnn.gcn import ForecastNetwork, NetworkShape
from gnn.graph_features import GraphFeatures
from gnn.habitue_forecaster import ForecasterSettings, HabitueForecaster
from gnn.hurdle import Amounts
from gnn.linear_half import LinearHalf
from gnn.network_half import EmbeddingFeatures, InputStatistics, NetworkHalf, NetworkSettings
from gnn.paced_value import PacedValue
from gnn.shared_work import SharedWork
from gnn.tabular import TabularTransform
from gnn.task import Task
from gnn.taste_vectors import TasteBasis
from gnn.training import TrainingSettings
from gnn.value_intervals import ValueIntervals
from habitue.errors import NotTrainedError

#: Version of the directory's layout; another one is refused.
FORMAT: Final = 4
_SETTINGS: Final = "forecaster.json"
_TENSORS: Final = "network.safetensors"
_PARTS: Final = "parts.safetensors"
_PRODUCTS: Final = "taste-products.json"
_WEIGHT_PREFIX: Final = "network."
#: Parts made of boosters.
_TREES: Final[Mapping[str, type[LightGBM]]] = {
    "trees": ChurnTrees,
    "graph_trees": ChurnTrees,
    "forest": ChurnForest,
    "amounts": Amounts,
    "paced": PacedValue,
}
#: Parts that are regressions.
_LINEAR: Final = ("linear", "rfm")


def save(forecaster: HabitueForecaster, directory: Path) -> None:
    """Write a fitted forecaster into a directory, made if there is none.

    Raises:
        NotTrainedError: If it has not been fitted.
    """
    from safetensors.numpy import save_file

    fitted = forecaster.require_fitted()
    statistics, network = fitted.network.statistics, fitted.network.network
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {
        "transform.centre": statistics.transform.centre,
        "transform.scale": statistics.transform.scale,
        "transform.flagged": statistics.transform.flagged,
        "embedding_centre": statistics.embedding_centre,
        "embedding_scale": statistics.embedding_scale,
        "projection": statistics.projection,
    }
    arrays |= {f"{_WEIGHT_PREFIX}{name}": value.numpy() for name, value in network.state_dict().items()}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, directory / _TENSORS)
    basis = None if fitted.graph is None else fitted.graph.basis
    parts: dict[str, Any] = {}
    for part in _LINEAR:
        linear: LinearHalf = getattr(fitted, part)
        parts |= {
            f"{part}.centre": linear.transform.centre,
            f"{part}.scale": linear.transform.scale,
            f"{part}.flagged": linear.transform.flagged,
            f"{part}.coefficients": linear.coefficients,
        }
    if basis is not None:
        parts |= {"taste.rarity": basis.rarity, "taste.directions": basis.directions}
        (directory / _PRODUCTS).write_text(json.dumps(basis.products.to_pylist()), encoding="utf-8")
    save_file({name: np.ascontiguousarray(array) for name, array in parts.items()}, directory / _PARTS)
    for part in _TREES:
        for target, booster in getattr(fitted, part).boosters.items():
            (directory / f"{part}-{target}.txt").write_text(booster.model_to_string(), encoding="utf-8")
    settings = {
        "format": FORMAT,
        "name": forecaster.name,
        "task": asdict(forecaster.task),
        "use_graph": forecaster.use_graph,
        "settings": asdict(forecaster.settings),
        "network_settings": asdict(fitted.network.settings),
        "network_shape": asdict(network.shape),
        "features": list(statistics.transform.names),
        "value_scale": statistics.value_scale,
        "trees": {part: _described(getattr(fitted, part)) for part in _TREES},
        "linear": {
            part: {"features": list(linear.transform.names), "intercept": linear.intercept}
            for part in _LINEAR
            for linear in [getattr(fitted, part)]
        },
        "graph": None if fitted.graph is None else {"basis": basis is not None},
        "weights": asdict(fitted.weights),
        "calibration": asdict(fitted.calibration),
        "constant_risk": fitted.constant_risk,
        "value_intervals": None if fitted.value_intervals is None else fitted.value_intervals.to_json(),
    }
    (directory / _SETTINGS).write_text(json.dumps(settings, indent=2, allow_nan=False), encoding="utf-8")


def load(
    directory: Path,
    task: Task | None = None,
    *,
    shared: SharedWork | None = None,
    embedding_features: EmbeddingFeatures | None = None,
) -> HabitueForecaster:
    """Read a forecaster back.

    Args:
        directory: As `save` wrote it.
        task: What it is wanted for; a model of another horizon is refused.
        shared: As for `HabitueForecaster`.
        embedding_features: The function that the forecaster was fitted with, if it was fitted with one.

    Raises:
        NotTrainedError: If there is no forecaster in the directory, or one of another format or horizon.
    """
    from safetensors.numpy import load_file

    try:
        settings: dict[str, Any] = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotTrainedError(
            f"There is no trained model in {directory.name}.", hint="Run `habitue train` first."
        ) from None
    if settings.get("format") != FORMAT:
        raise NotTrainedError(
            f"The model in {directory.name} is of format {settings.get('format')}, not {FORMAT}.",
            hint="Run `habitue train` to make a new one.",
        )
    fitted_for = Task(**settings["task"] | {"properties": tuple(settings["task"].get("properties", ()))})
    if task is not None and task.horizon_days != fitted_for.horizon_days:
        raise NotTrainedError(
            f"The model in {directory.name} foretells {fitted_for.horizon_days} days, not {task.horizon_days}.",
            hint=f"Run `habitue train --horizon {task.horizon_days}` first.",
        )
    arrays, parts = load_file(directory / _TENSORS), load_file(directory / _PARTS)
    network_settings = _network_settings(settings["network_settings"])
    statistics = InputStatistics(
        transform=TabularTransform(
            names=tuple(settings["features"]),
            centre=arrays["transform.centre"],
            scale=arrays["transform.scale"],
            flagged=arrays["transform.flagged"],
        ),
        embedding_centre=arrays["embedding_centre"],
        embedding_scale=arrays["embedding_scale"],
        projection=arrays["projection"],
        value_scale=float(settings["value_scale"]),
    )
    if len(statistics.embedding_centre) and embedding_features is None:
        raise NotTrainedError(
            f"The model in {directory.name} was trained with an embedding's quantities.",
            hint="Pass the same `embedding_features` to load it.",
        )
    forecaster = HabitueForecaster(
        fitted_for,
        use_graph=bool(settings["use_graph"]),
        name=settings["name"],
        settings=_forecaster_settings(settings["settings"]),
        shared=shared,
        embedding_features=embedding_features,
    )
    forecaster.fitted = FittedForecaster(
        network=NetworkHalf(network_settings, statistics, _network(settings["network_shape"], arrays)),
        trees=_trees(directory, "trees", settings["trees"]),
        graph_trees=_trees(directory, "graph_trees", settings["trees"]),
        forest=_trees(directory, "forest", settings["trees"]),
        amounts=_trees(directory, "amounts", settings["trees"]),
        paced=_trees(directory, "paced", settings["trees"]),
        linear=_linear("linear", settings["linear"], parts),
        rfm=_linear("rfm", settings["linear"], parts),
        graph=_graph(directory, settings["graph"], parts),
        weights=BlendWeights(**settings["weights"]),
        calibration=PlattCalibration(**settings["calibration"]),
        constant_risk=settings["constant_risk"],
        value_intervals=ValueIntervals.from_json(settings.get("value_intervals")),
    )
    return forecaster


def _network(shape: dict[str, Any], arrays: dict[str, Any]) -> ForecastNetwork:
    import torch

    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, then replaced: leave no trace of that
        network = ForecastNetwork(NetworkShape(**shape))
    network.load_state_dict(
        {
            name.removeprefix(_WEIGHT_PREFIX): torch.from_numpy(array)
            for name, array in arrays.items()
            if name.startswith(_WEIGHT_PREFIX)
        }
    )
    return network.eval()


def _described(trees: LightGBM) -> dict[str, Any]:
    return {"features": list(trees.names), "targets": sorted(trees.boosters), "constants": trees.constants}


def _trees(directory: Path, part: str, settings: dict[str, Any]) -> Any:
    import lightgbm

    trees = _TREES[part]()
    trees.names = tuple(settings[part]["features"])
    trees.constants = {name: float(value) for name, value in settings[part]["constants"].items()}
    trees.boosters = {
        target: lightgbm.Booster(model_str=(directory / f"{part}-{target}.txt").read_text(encoding="utf-8"))
        for target in settings[part]["targets"]
    }
    return trees


def _linear(part: str, settings: dict[str, Any], arrays: dict[str, Any]) -> LinearHalf:
    transform = TabularTransform(
        names=tuple(settings[part]["features"]),
        centre=arrays[f"{part}.centre"],
        scale=arrays[f"{part}.scale"],
        flagged=arrays[f"{part}.flagged"],
    )
    return LinearHalf(transform, arrays[f"{part}.coefficients"], float(settings[part]["intercept"]))


def _graph(directory: Path, settings: dict[str, Any] | None, arrays: dict[str, Any]) -> GraphFeatures | None:
    if settings is None:
        return None
    if not settings["basis"]:
        return GraphFeatures(None)
    products = json.loads((directory / _PRODUCTS).read_text(encoding="utf-8"))
    return GraphFeatures(
        TasteBasis(pa.array(products, pa.string()), arrays["taste.rarity"], arrays["taste.directions"])
    )


def _network_settings(settings: dict[str, Any]) -> NetworkSettings:
    return NetworkSettings(
        **{name: value for name, value in settings.items() if name not in ("graph", "training")},
        graph=GraphSettings(**settings["graph"]),
        training=TrainingSettings(**settings["training"]),
    )


def _forecaster_settings(settings: dict[str, Any]) -> ForecasterSettings:
    return ForecasterSettings(
        **{name: value for name, value in settings.items() if name != "network"},
        network=_network_settings(settings["network"]),
    )
