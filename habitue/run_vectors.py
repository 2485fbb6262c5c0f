"""Vectors of a run in memory: those it was published with, and on top of them those solved for since."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings import files as embedding_files
from embeddings.incremental import CustomerSolver, rows_of
from embeddings.recommendation import Recommender
from embeddings.similarity import Float32Array, centred, mean_of
from embeddings.transe import Embedding
from graph.snapshot import FloatArray
from habitue.recommendation_files import read_recommender
from habitue.renewed_files import RenewedVectors
from habitue.runs import EMBEDDING
from habitue.similarity_files import read_product_vectors, read_similarity


class RunVectors:
    """What a run's directory holds of vectors, read when first asked for, and then kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def similarity(self) -> tuple[pa.StringArray, Float32Array]:
        """Customers scored and their centred unit vectors."""
        return read_similarity(self.directory)

    @cached_property
    def products(self) -> tuple[pa.StringArray, Float32Array] | None:
        """Products and their centred unit vectors; None where there is no embedding."""
        return read_product_vectors(self.directory)

    @cached_property
    def embedding(self) -> Embedding | None:
        """The trained vectors; None where purchases name no products."""
        path = self.directory / EMBEDDING
        return embedding_files.load(path) if path.is_dir() else None

    @cached_property
    def solver(self) -> CustomerSolver | None:
        """What vectors of customers are solved for with; None where there is no embedding."""
        return None if self.embedding is None else CustomerSolver.of(self.embedding)

    @cached_property
    def recommender(self) -> Recommender | None:
        """What recommendations are made from; None where there is no embedding."""
        return read_recommender(self.directory)

    @cached_property
    def mean(self) -> FloatArray:
        """The mean of the trained vectors of the customers scored, from which similarity is measured."""
        if self.embedding is None:
            raise ValueError("A run without an embedding has no mean vector.")
        rows = rows_of(self.embedding, "Customer", self.similarity[0])
        return mean_of(self.embedding.vectors[rows[rows >= 0]])

    def similarity_with(self, renewed: RenewedVectors) -> tuple[pa.StringArray, Float32Array]:
        """Customers and their centred unit vectors, renewed ones in place of theirs, and new customers at the end."""
        ids, unit = self.similarity
        if not len(renewed) or self.embedding is None:
            return ids, unit
        place = pc.fill_null(pc.index_in(renewed.ids, value_set=ids), -1).to_numpy().astype(np.int64)
        fresh = centred(renewed.vectors, self.mean)
        known = place >= 0
        joined = np.concatenate([unit, fresh[~known]])
        joined[place[known]] = fresh[known]
        return pa.concat_arrays([ids, renewed.ids.filter(pa.array(~known))]), joined


@dataclass(frozen=True, eq=False)
class ServedVector:
    """A customer's vector in the embedding's space, and until when it knows events; None where there is none."""

    vector: Float32Array | None
    as_of: np.datetime64 | None


def served_vector(vectors: RunVectors, renewed: RenewedVectors, customer: str) -> ServedVector:
    """The newest vector of a customer: renewed, or trained."""
    row = renewed.row(customer) if len(renewed) else -1
    if row >= 0:
        return ServedVector(renewed.vectors[row], renewed.as_of[row])
    embedding = vectors.embedding
    found = rows_of(embedding, "Customer", pa.array([customer]))[0] if embedding else -1
    if embedding is None or found < 0:
        return ServedVector(None, None)
    return ServedVector(embedding.vectors[found], np.datetime64(embedding.as_of, "ms"))
