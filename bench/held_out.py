"""Snapshots in which some customers are missing, or have done less than they have."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.snapshot import Events, Int64Array, Snapshot


def without(snapshot: Snapshot, customers: Int64Array) -> Snapshot:
    """The snapshot without some customers and their events; products stay, whoever bought them.

    Args:
        snapshot: Stays as it is.
        customers: Their rows.
    """
    stays = np.ones(len(snapshot.customers), bool)
    stays[customers] = False
    row = np.cumsum(stays) - 1
    events = {
        name: dataclasses.replace(kept, customer=row[kept.customer].astype(np.int32))
        for name, each in snapshot.events.items()
        for kept in [_chosen(each, stays[each.customer])]
    }
    properties = tuple(dataclasses.replace(each, codes=each.codes[stays]) for each in snapshot.properties)
    return dataclasses.replace(
        snapshot, customers=snapshot.customers.filter(pa.array(stays)), events=events, properties=properties
    )


def cut_to_last(snapshot: Snapshot, customers: Int64Array, lines: int) -> Snapshot:
    """The snapshot in which some customers have done nothing but their last purchases.

    Args:
        snapshot: Stays as it is.
        customers: Their rows.
        lines: How many lines of purchases each of them keeps.
    """
    cut = np.zeros(len(snapshot.customers), bool)
    cut[customers] = True
    events = {name: _chosen(each, ~cut[each.customer]) for name, each in snapshot.events.items()}
    purchases = snapshot.purchases
    # Oldest first: counted from the end, which of the customer's lines each is.
    order = np.argsort(purchases.customer, kind="stable")[::-1]
    customer = purchases.customer[order]
    from_last = np.arange(len(order)) - np.searchsorted(-customer, -customer)
    keep = np.empty(len(order), bool)
    keep[order] = from_last < lines
    events["PURCHASED"] = _chosen(purchases, keep | ~cut[purchases.customer])
    return dataclasses.replace(snapshot, events=events)


def _chosen(events: Events, keep: npt.NDArray[np.bool_]) -> Events:
    arrays = ("customer", "target", "at", "quantity", "amount", "discount", "rating", "order", "channel")
    return dataclasses.replace(events, **{name: getattr(events, name)[keep] for name in arrays})
