"""How far the graph has moved on since the vectors were trained, and when a full training is due again.

A full training is due when one of these holds:

- more than `NEW_CUSTOMERS` of the customers with a vector have none from the training, or more than `NEW_PRODUCTS` of
  the products: they are solved for one by one, and do not teach the others anything;
- the vectors of customers have moved by more than `MOVED` of the spacing, on average over all trained customers: the
  products they are solved against have stayed where they were, and answer to an older taste;
- it is more than `DAYS` days from the training's date to the newest event: the experiment behind incremental vectors
  (`bench/bench_incremental.py`) goes no further.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from embeddings.incremental import rows_of
from embeddings.transe import Embedding
from habitue.renewed_files import RenewedVectors

NEW_CUSTOMERS: Final = 0.2
NEW_PRODUCTS: Final = 0.1
MOVED: Final = 0.25
DAYS: Final = 56

#: Customers whose distances from one another give the spacing.
_SAMPLE = 2_000
_DRIFT = "drift.json"


@dataclass(frozen=True)
class Drift:
    """What has happened since a training.

    Attributes:
        trained_as_of: Its date, ISO 8601.
        known_until: The newest moment up to which a vector knows events, ISO 8601; the training's date without any.
        changed_customers: Share of the trained customers with new events, in [0, 1].
        new_customers: Share of the customers with a vector who have none from the training, in [0, 1].
        new_products: The same of products.
        movement: Mean way of the renewed vectors of trained customers, in spacings: of median distances between two
            customers.
        movement_of_all: The same over all trained customers, those without new events not having moved.
        due: Why a full training is due, in words; empty while it is not.
    """

    trained_as_of: str
    known_until: str
    changed_customers: float
    new_customers: float
    new_products: float
    movement: float
    movement_of_all: float
    due: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**dataclasses.asdict(self), "due": list(self.due)}


def drift_of(embedding: Embedding, customers: RenewedVectors, products: RenewedVectors) -> Drift:
    """The drift from what was renewed since the training."""
    trained = len(embedding.vocabulary.of("Customer"))
    known = rows_of(embedding, "Customer", customers.ids) >= 0 if len(customers) else np.empty(0, bool)
    moved = customers.moved[known & np.isfinite(customers.moved)] / _spacing(embedding.customers()[1])
    until = max([embedding.as_of, *customers.as_of.tolist()])
    new = int((~known).sum())
    of_products = len(embedding.vocabulary.of("Product"))
    drift = Drift(
        trained_as_of=embedding.as_of.isoformat(),
        known_until=until.isoformat(),
        changed_customers=_share(int(known.sum()), trained),
        new_customers=_share(new, trained + new),
        new_products=_share(len(products), of_products + len(products)),
        movement=round(float(moved.mean()), 4) if len(moved) else 0.0,
        movement_of_all=round(float(moved.sum()) / max(1, trained), 4),
    )
    return dataclasses.replace(drift, due=tuple(_reasons(drift)))


def write_drift(directory: Path, drift: Drift) -> None:
    """Keep it beside the renewed vectors; no customer is named in it."""
    draft = directory / f".{_DRIFT}.new"
    draft.write_text(json.dumps(drift.to_json(), indent=2) + "\n", encoding="utf-8")
    draft.replace(directory / _DRIFT)


def read_drift(directory: Path) -> Drift | None:
    """What was kept; None where nothing has been renewed since the training."""
    try:
        found = json.loads((directory / _DRIFT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Drift(**{**found, "due": tuple(found["due"])})


def _reasons(drift: Drift) -> list[str]:
    days = (datetime.fromisoformat(drift.known_until) - datetime.fromisoformat(drift.trained_as_of)).days
    return [
        text
        for holds, text in (
            (drift.new_customers > NEW_CUSTOMERS, f"{drift.new_customers:.0%} of the customers came after it"),
            (drift.new_products > NEW_PRODUCTS, f"{drift.new_products:.0%} of the products came after it"),
            (drift.movement_of_all > MOVED, f"customers moved by {drift.movement_of_all:.2f} of the spacing"),
            (days > DAYS, f"there are events of {days} days after it"),
        )
        if holds
    ]


def _spacing(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    """The median distance between two customers, over pairs drawn once for all; 1 where there is only one."""
    if len(vectors) < 2:
        return 1.0
    pairs = np.random.default_rng(0).integers(len(vectors), size=(2, _SAMPLE))
    apart = np.linalg.norm(vectors[pairs[0]] - vectors[pairs[1]], axis=1)[pairs[0] != pairs[1]]
    return float(np.median(apart)) or 1.0 if len(apart) else 1.0


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
