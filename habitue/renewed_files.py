"""Vectors solved for after the training, in files beside the published run, which itself never changes.

`vectors/<run id>/renewed_customers.parquet` has a row for each customer with events since: `customer_id`, `as_of` (the
moment up to which the vector knows their events), `moved` (how far the new events alone moved it; missing for who had
none at the training), `vector`. `renewed_products.parquet` has the same of products that were new. Each file is put in
place by one rename; renewed vectors of runs that are served no more are removed.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from habitue.workspace import Workspace

Float32Array = npt.NDArray[np.float32]

CUSTOMERS, PRODUCTS = "renewed_customers.parquet", "renewed_products.parquet"
_KEYS = {CUSTOMERS: "customer_id", PRODUCTS: "product_id"}


@dataclass(frozen=True, eq=False)
class RenewedVectors:
    """Vectors of n customers or products, sorted by id.

    Attributes:
        ids: Distinct.
        as_of: datetime64[ms] [n]: until when each knows events.
        moved: float32 [n]: length of the way that events after the training have moved it; NaN where it had none.
        vectors: float32 [n, d], in the space of the run's embedding.
    """

    ids: pa.StringArray
    as_of: npt.NDArray[np.datetime64]
    moved: Float32Array
    vectors: Float32Array

    @classmethod
    def none(cls, dimension: int = 0) -> RenewedVectors:
        """Of nobody."""
        empty = np.empty(0, np.float32)
        return cls(pa.array([], pa.string()), np.empty(0, "datetime64[ms]"), empty, empty.reshape(0, dimension))

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, identifier: str) -> int:
        """Where an id stands; −1 where it does not."""
        return int(pc.index(self.ids, identifier).as_py())

    def replaced(self, newer: RenewedVectors) -> RenewedVectors:
        """These, with newer ones in place of theirs or added."""
        if not len(self):
            return newer
        stays = pc.invert(pc.is_in(self.ids, value_set=newer.ids)).to_numpy(zero_copy_only=False)
        ids = pa.concat_arrays([self.ids.filter(pa.array(stays)), newer.ids])
        order = pc.array_sort_indices(ids).to_numpy()
        return RenewedVectors(
            ids.take(pa.array(order)),
            np.concatenate([self.as_of[stays], newer.as_of])[order],
            np.concatenate([self.moved[stays], newer.moved])[order],
            np.concatenate([self.vectors[stays], newer.vectors])[order],
        )


def renewed_directory(workspace: Workspace, run: str) -> Path:
    """Where the renewed vectors of a run lie."""
    return workspace.vectors / run


def read_renewed(directory: Path, name: str = CUSTOMERS) -> RenewedVectors:
    """Those of a file; nobody's where there is none."""
    path = directory / name
    if not path.is_file():
        return RenewedVectors.none()
    table = pq.read_table(path).combine_chunks()
    if not len(table):
        return RenewedVectors.none()
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return RenewedVectors(
        table[_KEYS[name]].combine_chunks(),
        table["as_of"].to_numpy().astype("datetime64[ms]"),
        pc.fill_null(table["moved"], float("nan")).to_numpy().astype(np.float32),
        flat.reshape(len(table), -1).astype(np.float32),
    )


def write_renewed(directory: Path, renewed: RenewedVectors, name: str = CUSTOMERS) -> None:
    """Put a file in place, durably."""
    directory.mkdir(parents=True, exist_ok=True)
    values = pa.array(np.ascontiguousarray(renewed.vectors).ravel(), pa.float32())
    table = pa.table({
        _KEYS[name]: renewed.ids,
        "as_of": pa.array(renewed.as_of, pa.timestamp("ms")),
        "moved": pa.array(renewed.moved, pa.float32(), from_pandas=True),
        "vector": pa.FixedSizeListArray.from_arrays(values, renewed.vectors.shape[1]),
    })  # fmt: skip
    draft = directory / f".{name}.new"
    pq.write_table(table, draft)
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(directory / name)


def forget_other_runs(workspace: Workspace, run: str) -> None:
    """Remove renewed vectors of runs that are not served any more."""
    for path in workspace.vectors.glob("*"):
        if path.name != run:
            shutil.rmtree(path, ignore_errors=True)
