"""The vectors that similarity is served from, in a run's directory: ids as Parquet, vectors as safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

_IDS, _VECTORS = "similarity_customers.parquet", "similarity.safetensors"


def write_similarity(directory: Path, ids: pa.StringArray, vectors: npt.NDArray[np.float32]) -> None:
    """Write customers' centred unit vectors (n × d), row by row with their ids."""
    pq.write_table(pa.table({"customer_id": ids}), directory / _IDS)
    save_file({"vectors": np.ascontiguousarray(vectors)}, directory / _VECTORS)


def read_similarity(directory: Path) -> tuple[pa.StringArray, npt.NDArray[np.float32]]:
    """Read them back."""
    ids = pq.read_table(directory / _IDS)["customer_id"].combine_chunks()
    return ids, load_file(directory / _VECTORS)["vectors"]
