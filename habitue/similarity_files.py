"""The vectors that similarity is served from, in a run's directory: ids as Parquet, vectors as safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from habitue.errors import StoreError

CUSTOMERS = "similarity_customers.parquet"
PRODUCTS = "similarity_products.parquet"
_PRODUCT_VECTORS = "similarity_products.safetensors"
_VECTORS = "similarity.safetensors"


def write_similarity(directory: Path, ids: pa.StringArray, vectors: npt.NDArray[np.float32]) -> None:
    """Write customers' centred unit vectors (n × d), row by row with their ids."""
    pq.write_table(pa.table({"customer_id": ids}), directory / CUSTOMERS)
    save_file({"vectors": np.ascontiguousarray(vectors)}, directory / _VECTORS)


def write_product_vectors(directory: Path, ids: pa.StringArray, vectors: npt.NDArray[np.float32]) -> None:
    """Write products' centred unit vectors (m × d), row by row with their ids."""
    pq.write_table(pa.table({"product_id": ids}), directory / PRODUCTS)
    save_file({"vectors": np.ascontiguousarray(vectors)}, directory / _PRODUCT_VECTORS)


def read_product_vectors(directory: Path) -> tuple[pa.StringArray, npt.NDArray[np.float32]] | None:
    """Products' ids and centred unit vectors; None where the run has none."""
    if not (directory / _PRODUCT_VECTORS).is_file():
        return None
    ids = pq.read_table(directory / PRODUCTS)["product_id"].combine_chunks()
    return ids, load_file(directory / _PRODUCT_VECTORS)["vectors"]


def read_similarity(directory: Path) -> tuple[pa.StringArray, npt.NDArray[np.float32]]:
    """Read them back.

    Raises:
        StoreError: If one file has fewer rows than the other: an erasure is between the two, or was interrupted there.
    """
    ids = pq.read_table(directory / CUSTOMERS)["customer_id"].combine_chunks()
    vectors: npt.NDArray[np.float32] = load_file(directory / _VECTORS)["vectors"]
    if len(ids) != len(vectors):
        raise StoreError(
            "The vectors of similarity do not fit their customers: somebody is being erased.",
            hint="Ask again in a moment; if it stays so, the erasure was interrupted: run it again.",
        )
    return ids, vectors
