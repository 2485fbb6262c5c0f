"""What novelty is measured against: what happened afterwards, and other numbers known before.

All are arrays over the customers of the snapshot as of T; NaN where not known.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import scipy.sparse as sparse

from embeddings.ranking import PURCHASED, query_scores
from embeddings.transe import Embedding
from graph.history import History
from graph.snapshot import FloatArray, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

_BLOCK = 256


def categories_of(snapshot: Snapshot, level: int) -> Int64Array:
    """Category of each product, `level` steps above the innermost; −1 where there is none."""
    category = snapshot.product_category.astype(np.int64)
    for _ in range(level):
        category = np.where(category >= 0, snapshot.category_parent[np.maximum(category, 0)], -1)
    return category


def later_share_new(history: History, snapshot: Snapshot, *, days: int, level: int) -> FloatArray:
    """Share of each customer's purchases in `[T, T + days)` that are of categories new to the customer."""
    after = history.at(snapshot.as_of + timedelta(days=days))
    purchases, category = after.purchases, categories_of(after, level)
    kind = np.where(purchases.target >= 0, category[np.maximum(purchases.target, 0)], -1)
    known = kind >= 0
    pair = purchases.customer[known].astype(np.int64) * len(after.categories) + kind[known]
    later = purchases.at[known] >= snapshot.as_of_ms
    new = ~np.isin(pair[later], pair[~later])
    customer, count = purchases.customer[known][later], len(after.customers)
    bought = np.bincount(customer, minlength=count)
    share = np.where(bought > 0, np.bincount(customer, weights=new, minlength=count) / np.maximum(1, bought), np.nan)
    rows = pc.index_in(snapshot.customers, value_set=after.customers).to_numpy()
    return np.asarray(share[rows], np.float64)


def simple_signals(snapshot: Snapshot) -> dict[str, FloatArray]:
    """Numbers that anybody would try first, signed so that more should mean more new categories."""
    purchases, count = snapshot.purchases, len(snapshot.customers)
    category = categories_of(snapshot, 0)
    kind = np.where(purchases.target >= 0, category[np.maximum(purchases.target, 0)], -1)
    known = kind >= 0
    bought = sparse.csr_array(
        (np.ones(int(known.sum())), (purchases.customer[known], kind[known])), shape=(count, len(snapshot.categories))
    )
    bought.sum_duplicates()
    pairs = bought.tocoo()
    total = np.asarray(bought.sum(axis=1)).ravel()
    share = pairs.data / total[pairs.coords[0]]
    last = np.zeros(count)
    np.maximum.at(last, purchases.customer, purchases.at)
    return {
        "fewer categories": -np.diff(bought.indptr).astype(np.float64),
        "lower entropy": np.bincount(pairs.coords[0], weights=share * np.log2(share), minlength=count),
        "inactivity": (snapshot.as_of_ms - last) / MILLISECONDS_PER_DAY,
        "fewer purchases": -np.bincount(purchases.customer, minlength=count).astype(np.float64),
    }


def transe_surprisal(embedding: Embedding, snapshot: Snapshot) -> dict[str, FloatArray]:
    """Mean surprisal of purchases after an embedding's date under it, bits a purchase, with and without popularity.

    P(product | customer) is the softmax of the model's scores over all products that it knows. What popularity alone
    would have been surprised by is subtracted in the second figure.
    """
    customers, products = embedding.vocabulary.of("Customer"), embedding.vocabulary.of("Product")
    purchases = snapshot.purchases
    recent = (purchases.at >= _epoch_ms(embedding)) & (purchases.target >= 0)
    places = [
        pc.index_in(ids, value_set=among).fill_null(-1).to_numpy()
        for ids, among in ((snapshot.customers, customers), (snapshot.products, products))
    ]
    who, what = places[0][purchases.customer[recent]], places[1][purchases.target[recent]]
    both = (who >= 0) & (what >= 0)
    bought = sparse.csr_array((np.ones(int(both.sum())), (who[both], what[both])), (len(customers), len(products)))
    bought.sum_duplicates()
    tails = np.arange(len(products)) + embedding.vocabulary.offset("Product")
    old = purchases.target[(purchases.at < _epoch_ms(embedding)) & (purchases.target >= 0)]
    counted = np.bincount(places[1][old][places[1][old] >= 0], minlength=len(products)) + 1.0
    # A model without a popularity term is given one.
    prior = np.zeros(len(products)) if embedding.popularity[tails].any() else np.log(counted)
    heads, bits = embedding.customers()[1], np.zeros((2, len(customers)))
    for start in range(0, len(customers), _BLOCK):
        rows = slice(start, start + _BLOCK)
        score = query_scores(embedding, heads[rows], tails, PURCHASED) + prior
        score -= score.max(axis=1, keepdims=True)
        surprisal = np.log2(np.exp(score).sum(axis=1, keepdims=True)) - score / np.log(2)
        alone = -np.log2(counted / counted.sum())
        times = bought[rows].toarray()
        bits[0, rows], bits[1, rows] = (times * surprisal).sum(axis=1), (times * (surprisal - alone)).sum(axis=1)
    lines = np.asarray(bought.sum(axis=1)).ravel()
    result = np.full((2, len(snapshot.customers)), np.nan)
    back = pc.index_in(customers, value_set=snapshot.customers).to_numpy()
    result[:, back] = np.where(lines > 0, bits / np.maximum(1, lines), np.nan)
    return {"surprisal under TransE": result[0], "the same beyond popularity": result[1]}


def _epoch_ms(embedding: Embedding) -> int:
    from graph.time import to_epoch_ms

    return to_epoch_ms(embedding.as_of)
