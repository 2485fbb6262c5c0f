"""The published run in memory: what serving answers from, read anew when another run is published."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from embeddings.similarity import Float32Array
from habitue.errors import NotFoundError, NotTrainedError
from habitue.renewed_files import CUSTOMERS as RENEWED
from habitue.renewed_files import RenewedVectors, read_renewed, renewed_directory
from habitue.run_vectors import RunVectors
from habitue.runs import EMBEDDING, SCORES, RunManifest, read_manifest, read_scores
from habitue.similarity_files import CUSTOMERS
from habitue.views import ScoreOf
from habitue.workspace import Workspace

#: Files of a run that an erasure puts others in the place of.
ENTITIES = f"{EMBEDDING}/entities.parquet"


@dataclass(frozen=True, eq=False)
class PublishedRun:
    """A scored run.

    Attributes:
        directory: Where it lies.
        manifest: What went into it.
        scores: One row per customer, ordered by id.
        vectors: Those that it was published with.
        renewed: Those solved for since.
    """

    directory: Path
    manifest: RunManifest
    scores: pd.DataFrame
    _rows: dict[str, int] = field(repr=False)
    vectors: RunVectors
    renewed: RenewedVectors = field(default_factory=RenewedVectors.none)

    @staticmethod
    def read(directory: Path) -> PublishedRun:
        """Read a scored run from its directory."""
        scores = read_scores(directory)
        rows = {name: row for row, name in enumerate(scores["customer_id"])}
        return PublishedRun(directory, read_manifest(directory), scores, rows, RunVectors(directory))

    @property
    def score_of(self) -> ScoreOf:
        """What every score of this run carries."""
        return ScoreOf(self.manifest.id, self.manifest.as_of, self.manifest.task.horizon_days)

    @cached_property
    def _signals(self) -> list[dict[str, float]]:
        frame = self.scores[["churn_risk", "hyperscore", "expected_value"]]
        known = ({name: finite(value) for name, value in row.items()} for row in frame.to_dict("records"))
        return [{str(name): value for name, value in row.items() if value is not None} for row in known]

    def signals(self, customer: str) -> dict[str, float]:
        """Churn risk, HyperScore and expected value of a customer; empty when the run does not know them."""
        row = self._rows.get(customer)
        return {} if row is None else self._signals[row]

    @cached_property
    def similarity(self) -> tuple[pa.StringArray, Float32Array]:
        """Customer ids and their centred unit vectors, row by row: renewed ones in place of those published."""
        return self.vectors.similarity_with(self.renewed)

    def find(self, customer: str) -> dict[str, Any] | None:
        """A customer's row of scores; None when the run does not know them."""
        row = self._rows.get(customer)
        return None if row is None else {str(name): value for name, value in self.scores.iloc[row].items()}

    def row(self, customer: str) -> dict[str, Any]:
        """A customer's row of scores.

        Raises:
            NotFoundError: If the run does not know them.
        """
        found = self.find(customer)
        if found is None:
            raise NotFoundError(
                f"Customer {customer!r} has no score as of {self.manifest.as_of:%Y-%m-%d}.",
                hint="Who has no purchase before that date has none; newer customers need a new `habitue train`.",
            )
        return found


class Publication:
    """Finds the published run, and keeps it in memory until another takes its place."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: PublishedRun | None = None
        self._state: tuple[object, ...] | None = None
        self._of_renewed: tuple[int, int, int] | None = None

    def current(self) -> PublishedRun:
        """The published run.

        Raises:
            NotTrainedError: If there is none.
        """
        directory = self._workspace.current_run()
        if directory is None:
            raise NotTrainedError(
                "No scores have been published in this workspace.",
                hint="Run `habitue train` and `habitue score` first.",
            )
        # A run never changes, but for an erasure, which puts other files in the place of these.
        state = (directory, *(_version(directory / name) for name in (SCORES, CUSTOMERS, ENTITIES)))
        renewed = renewed_directory(self._workspace, directory.name)
        of_renewed = _version(renewed / RENEWED)
        if self._kept is None or self._state != state:
            self._kept, self._state, self._of_renewed = PublishedRun.read(directory), state, None
        if self._of_renewed != of_renewed:
            self._kept = dataclasses.replace(self._kept, renewed=read_renewed(renewed))
            self._of_renewed = of_renewed
        return self._kept

    def current_or_none(self) -> PublishedRun | None:
        """The published run; None when there is none."""
        return None if self._workspace.current_run() is None else self.current()


def _version(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from another in its place; its number alone may be given again to a later one."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def finite(value: Any) -> float | None:
    """A number for JSON: None where it is missing."""
    number = float(value)
    return number if np.isfinite(number) else None
