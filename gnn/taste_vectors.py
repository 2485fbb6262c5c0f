"""Customers' tastes as vectors that mean the same at every cutoff: averages over product directions that stay frozen.

The directions are the leading right singular vectors of the decayed purchases as of one early date, scaled as in latent
semantic indexing (Deerwester and others, 1990): logarithm of the purchases times log(customers / buyers), rows of unit
length. They are found once, from the past of every cutoff that is learnt from. A customer's vector as of any later date
follows from its own purchases alone, so that vectors of different cutoffs share one basis, which spaces of separate
trainings would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from gnn.distinct import distinct
from graph.snapshot import FloatArray, Snapshot
from graph.time import MILLISECONDS_PER_DAY

#: Age in days at which a purchase weighs half: of the taste, and of the recent taste that its drift is measured by.
HALF_LIFE_DAYS: Final = 60.0
RECENT_HALF_LIFE_DAYS: Final = 15.0
#: A product takes part from so many buyers on; for each direction there are so many products and customers.
FEWEST_BUYERS: Final = 10
_PRODUCTS_PER_DIRECTION: Final = 4
#: The directions are found from at most so many customers, evenly spaced in the snapshot: more would not turn them.
_MOST_CUSTOMERS: Final = 200_000
#: A purchase of today counts log(1 + 4), three of them log(1 + 12): a habit, not a hoard.
_SHARPNESS: Final = 4.0


@dataclass(frozen=True, eq=False)
class TasteBasis:
    """Frozen directions of the products.

    Attributes:
        products: Ids, sorted, length q.
        rarity: log(customers / buyers) of each as of the basis's date (q).
        directions: Columns are orthonormal directions in the space of products (q×k).
    """

    products: pa.StringArray
    rarity: FloatArray
    directions: FloatArray

    def __call__(self, snapshot: Snapshot) -> FloatArray:
        """Taste of every customer of the snapshot, and last its drift: c×(k+1), from its own purchases alone.

        The drift is the distance of the recent taste from the taste. Zeros where no purchase has a known product.
        """
        taste = _rows(snapshot, self, HALF_LIFE_DAYS) @ self.directions
        recent = _rows(snapshot, self, RECENT_HALF_LIFE_DAYS) @ self.directions
        drift = np.sqrt(((taste - recent) ** 2).sum(axis=1, keepdims=True))
        return np.concatenate([taste, drift], axis=1)


def taste_basis(snapshot: Snapshot, dimension: int, *, seed: int = 0) -> TasteBasis | None:
    """The directions as of a snapshot; None where too few products have buyers enough.

    Args:
        snapshot: Of a date not later than any cutoff that is learnt from.
        dimension: Number k of directions, at most; fewer for a small assortment.
        seed: Of the randomised decomposition (Halko and others, 2011).
    """
    from sklearn.utils.extmath import randomized_svd

    pairs = _pairs(snapshot)
    buyers = np.bincount(pairs[1], minlength=len(snapshot.products))
    customers = max(len(np.unique(pairs[0])), 1)
    kept = np.flatnonzero((buyers >= FEWEST_BUYERS) & (buyers < customers))
    dimension = min(dimension, len(kept) // _PRODUCTS_PER_DIRECTION, customers // _PRODUCTS_PER_DIRECTION)
    if dimension < 1:
        return None
    bare = TasteBasis(
        products=snapshot.products.take(pa.array(kept)),
        rarity=np.log(customers / buyers[kept]),
        directions=np.zeros((len(kept), 0)),
    )
    matrix = _rows(snapshot, bare, HALF_LIFE_DAYS)
    matrix = matrix[:: max(1, -(-matrix.shape[0] // _MOST_CUSTOMERS))]
    _, _, right = randomized_svd(matrix, dimension, n_iter=5, random_state=seed)
    largest = right[np.arange(dimension), np.abs(right).argmax(axis=1)]
    return TasteBasis(bare.products, bare.rarity, (right * np.sign(largest)[:, None]).T)


def _pairs(snapshot: Snapshot) -> tuple[Any, Any]:
    """Distinct (customer, product) pairs: rows of both."""
    events = snapshot.purchases
    known = events.target >= 0
    width = max(len(snapshot.products), 1)
    pairs = distinct(events.customer[known].astype(np.int64) * width + events.target[known])
    return pairs // width, pairs % width


def _rows(snapshot: Snapshot, basis: TasteBasis, half_life_days: float) -> Any:
    """Customers' purchases of the basis's products, decayed, damped, scaled to unit length (sparse CSR c×q)."""
    events = snapshot.purchases
    shape = (len(snapshot.customers), len(basis.products))
    found = pc.fill_null(pc.index_in(snapshot.products, value_set=basis.products), -1)
    place = np.append(found.to_numpy(zero_copy_only=False).astype(np.int64), -1)[events.target]
    known = place >= 0
    age_days = (snapshot.as_of_ms - events.at[known]) / MILLISECONDS_PER_DAY
    weight = np.exp2(-age_days / half_life_days)
    rows = sparse.coo_array((weight, (events.customer[known], place[known])), shape=shape).tocsr()
    rows.data = np.log1p(_SHARPNESS * rows.data) * basis.rarity[rows.indices]
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(length, 1e-12), np.diff(rows.indptr))
    return rows
