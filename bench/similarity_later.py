"""Whether customers who are near before a date buy alike after it, by how their vectors are prepared."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import scipy.sparse as sparse

from bench.real_history import loaded
from embeddings.similarity import Float32Array, centred, nearest_all
from embeddings.transe import train
from graph.history import History
from graph.snapshot import FloatArray, Snapshot

DATES = ("2017-09-03", "2017-10-03", "2017-11-02")
LATER_DAYS, COUNT, RESAMPLES = 60, 10, 1000


def measure_later(workspace: Path, *, smoke: bool) -> dict[str, Any]:
    """Mean likeness of later purchases with the nearest, by preparation, pooled over dates, with 95 % intervals."""
    history = loaded("tiny" if smoke else "complete-journey", workspace)
    last = history.complete_until - timedelta(days=LATER_DAYS)
    dates = [last] if smoke else [datetime.fromisoformat(day) for day in DATES]
    measured = [_at(history, date) for date in dates]
    generator = np.random.default_rng(0)
    result: dict[str, Any] = {}
    pooled = {name: np.concatenate([each[name] for each in measured]) for name in measured[0]}
    who = np.concatenate([each["customer"] for each in measured])
    everybody, place = np.unique(who, return_inverse=True)
    drawn = generator.multinomial(len(everybody), np.full(len(everybody), 1 / len(everybody)), RESAMPLES)
    weight = drawn[:, place].astype(np.float64)
    for name, values in pooled.items():
        if name == "customer":
            continue
        result[name] = _interval(values, weight)
        if name != "centred":
            result[f"{name} minus centred"] = _interval(values - pooled["centred"], weight)
    return result


def _interval(values: FloatArray, weight: FloatArray) -> list[float]:
    """Mean with the 95 % interval of a bootstrap over customers."""
    low, high = np.quantile(weight @ values / weight.sum(axis=1), [0.025, 0.975])
    return [round(float(values.mean()), 5), round(float(low), 5), round(float(high), 5)]


def _at(history: History, as_of: datetime) -> dict[str, Any]:
    snapshot, after = history.at(as_of), history.at(as_of + timedelta(days=LATER_DAYS))
    later = _taste(after, after.purchases.at >= snapshot.as_of_ms)
    rows = pc.index_in(snapshot.customers, value_set=after.customers).to_numpy()
    later = later[rows]
    bought = np.flatnonzero(np.diff(later.indptr) > 0)
    later = later[bought]
    likeness = np.asarray((later @ later.T).todense())
    vectors = train(snapshot).customers()[1]
    past = _taste(snapshot, np.ones(len(snapshot.purchases), bool))
    result: dict[str, Any] = {"customer": snapshot.customers.to_numpy(zero_copy_only=False).astype(str)[bought]}
    for name, unit in preparations(vectors).items():
        near = nearest_all(unit[bought], COUNT).rows
        result[name] = np.take_along_axis(likeness, near, axis=1).mean(axis=1)
    similar = np.asarray((past[bought] @ past[bought].T).todense())
    np.fill_diagonal(similar, -1.0)
    near = np.argsort(-similar, axis=1, kind="stable")[:, :COUNT]
    result["tf-idf of products bought"] = np.take_along_axis(likeness, near, axis=1).mean(axis=1)
    result["everybody"] = (likeness.sum(axis=1) - np.diag(likeness)) / max(1, len(likeness) - 1)
    return result


def preparations(vectors: Float32Array) -> dict[str, Float32Array]:
    """Unit vectors as they are, centred, centred and half or wholly whitened."""
    centre = vectors.astype(np.float64) - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(np.cov(centre.T))
    values = np.maximum(values, 1e-9 * values.max())
    return {
        "raw": vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12),
        "centred": centred(vectors),
        "half whitened": centred(centre @ directions / values**0.25),
        "whitened": centred(centre @ directions / values**0.5),
    }


def _taste(snapshot: Snapshot, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> sparse.csr_array:
    """Purchases of products as unit tf-idf rows: log(1 + times) × log(customers / buyers)."""
    purchases = snapshot.purchases
    chosen = chosen & (purchases.target >= 0)
    shape = (len(snapshot.customers), len(snapshot.products))
    times = sparse.csr_array(
        (np.ones(int(chosen.sum())), (purchases.customer[chosen], purchases.target[chosen])), shape=shape
    )
    times.sum_duplicates()
    buyers = np.bincount(times.indices, minlength=shape[1])
    times.data = np.log1p(times.data)
    weighed = times @ sparse.diags_array(np.log(shape[0] / np.maximum(1, buyers)))
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(length, 1e-12)) @ weighed)
