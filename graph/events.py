"""Interactions one by one, as the API takes them: checked, compared and brought in as those of a table are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import LoadChanges
from graph.comparison import nodes_by_label, nodes_of
from graph.dataset import InteractionsSource, InteractionType
from graph.difference import difference
from graph.erasure import ErasedCustomers
from graph.loading import next_fingerprint, now, sequence_of
from graph.masterdata import MasterData
from graph.model import CAMPAIGN_INTERACTIONS
from graph.parts import nodes_met
from graph.reading import ReadBatch, clean_text
from graph.settling import settle
from graph.staging import with_origin
from graph.staging_directory import staging_directory
from graph.store import GraphStore, LoadRecord, Progress
from graph.tables import GraphTables
from graph.time import latest_ms
from graph.validation import Refusal, check_interactions
from habitue.errors import NothingLoadedError

#: By what name the store's book knows these loads.
SOURCE = "api"

_REQUEST = "request"
_COLUMNS = ("id", "customer", "product", "campaign", "at", "known_at", "quantity", "amount", "discount", "rating",
            "order_id", "channel", "treatment")  # fmt: skip
_FEW = 500  # nodes that are asked for one by one rather than all together
#: Whether a row gives these decides how it is read.
_DECISIVE = ("product", "discount")


@dataclass(frozen=True)
class EventsReport:
    """What became of events; each is in exactly one of the counts, or among the refused.

    Attributes:
        load: Number of the load they are in; None where nothing changed.
        loaded: New ones, by type.
        corrected: Known ids with other values, by type.
        unchanged: There already, by type.
        repeated: Came again in the same request; the last one stands.
        erased: Of customers that were erased, left out.
        refused: Each with its `row` (its place, from 1), the `column` and the `reason`.
        seconds: Until they were durable.
        vectors_renewed: Customers whose vectors were solved for anew, where a run is published.
    """

    load: int | None
    loaded: dict[str, int]
    corrected: dict[str, int]
    unchanged: dict[str, int]
    repeated: int
    erased: int
    refused: list[dict[str, Any]]
    seconds: float
    vectors_renewed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def load_events(
    store: GraphStore, events: pa.Table | Sequence[Mapping[str, Any]], workspace: Path, progress: Progress
) -> EventsReport:
    """Add or correct interactions; the same ones again change nothing.

    Args:
        store: Holds a data set.
        events: Each with `type`, `id`, `customer`, `product` or `campaign`, and `at`; perhaps with `known_at`,
            `quantity`, `amount`, `discount`, `rating`, `order_id`, `channel`, `treatment`. Times are `datetime` or ISO
            8601, taken as UTC where they carry no offset.
        workspace: For staging. Its caller sees to it that only one process loads.
        progress: Called with what is being done.

    Raises:
        NothingLoadedError: If the store is empty.
        StoreError: The store refused; the last complete state stands.
    """
    started = now()
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
    checked = _check(_rows(events), ErasedCustomers(facts.salt, facts.erased))
    sequence, unfinished = sequence_of(store.loads(), SOURCE)
    settled = settle(checked.by_type, [_REQUEST], sequence)
    nodes = nodes_of(MasterData(), nodes_by_label([nodes_met(settled.interactions)]))
    staged = replace(nodes, interactions=settled.interactions, superseded=settled.superseded)
    progress("comparing with the graph", 0.0)
    of_events = store.held(staged)
    held = replace(_held_nodes(store, nodes), interactions=of_events.interactions, superseded=of_events.superseded)
    note = {"source": SOURCE, "started_at": started.isoformat(timespec="seconds"), "sequence": str(sequence)}
    with staging_directory(workspace, note) as staging:
        changes = LoadChanges.of(difference(held, staged), staging.path / "changes")
        changed = unfinished or not changes.empty
        finished = now()
        report = EventsReport(
            load=sequence if changed else None,
            loaded=dict(+(changes.added - changes.corrected)),
            corrected=dict(+changes.corrected),
            unchanged=dict(changes.unchanged),
            repeated=settled.repeated,
            erased=checked.erased,
            refused=checked.refused,
            seconds=(finished - started).total_seconds(),
        )
        if changed:
            record = LoadRecord(sequence, SOURCE, started, finished, True, json.dumps(report.to_json()))
            new_facts = facts.model_copy(update={"fingerprint": next_fingerprint(facts, sequence, finished)})
            store.apply(changes, [record], new_facts, progress)
    return replace(report, seconds=round((now() - started).total_seconds(), 3))


@dataclass(frozen=True)
class _Checked:
    """Good rows by type, with `CHECKED_SCHEMA`, and what became of the others."""

    by_type: dict[str, pa.Table]
    erased: int
    refused: list[dict[str, Any]]


def _rows(events: pa.Table | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return events.to_pylist() if isinstance(events, pa.Table) else list(events)


def _check(rows: list[Mapping[str, Any]], erased: ErasedCustomers) -> _Checked:
    """Rows that give the same kinds of values are checked together, as a table that has these columns would be."""
    alike: dict[tuple[str, frozenset[str]], list[int]] = {}
    refusals: list[Refusal] = []
    for place, row in enumerate(rows):
        if row.get("type") not in get_args(InteractionType):
            refusals.append(Refusal(_REQUEST, place + 1, "type", "not a type of interaction", ""))
        else:
            given = frozenset(name for name in _DECISIVE if row.get(name) is not None)
            alike.setdefault((row["type"], given), []).append(place)
    found: dict[str, list[pa.Table]] = {}
    forgotten = 0
    for (kind, given), places in alike.items():
        table = pa.table({name: _column([rows[place].get(name) for place in places]) for name in _COLUMNS})
        batch = ReadBatch(table, np.array(places, np.int64) + 1)
        checked = check_interactions(batch, _source(kind, given), _REQUEST, "UTC", {}, erased, latest_ms())
        refusals += checked.refusals
        forgotten += checked.erased
        refusals += [Refusal(_REQUEST, row, "customer", "the customer id is empty", "") for row in _guests(batch)]
        number = get_args(InteractionType).index(kind)  # lines of one type are versions of each other, by their ids
        for name, good in checked.by_type.items():
            found.setdefault(name, []).append(with_origin(good, number, 0))
    by_type = {name: pa.concat_tables(tables).sort_by("row") for name, tables in found.items()}
    refused = [
        {"row": each.row, "column": each.column, "reason": each.reason}
        for each in sorted(refusals, key=lambda each: each.row)
    ]
    return _Checked(by_type, forgotten, refused)


def _held_nodes(store: GraphStore, nodes: GraphTables) -> GraphTables:
    """The held ones among nodes that are staged bare; a few are asked for one by one, which takes milliseconds each.

    Of a bare node it matters only whether it is there, so that the ids are enough.
    """
    if len(nodes.customers) + len(nodes.products) > _FEW:
        return store.nodes(nodes)

    def known(table: pa.Table, statement: str) -> pa.Table:
        ids = [each for each in table["id"].to_pylist() if store.read(statement, id=each).rows]
        return table.filter(pc.is_in(table["id"], value_set=pa.array(ids, pa.string())))

    campaigns = [row["id"] for row in store.read("read/export_campaigns").dicts()] if len(nodes.campaigns) else []
    return replace(
        GraphTables.empty(),
        customers=known(nodes.customers, "read/customer"),
        products=known(nodes.products, "read/product"),
        campaigns=nodes.campaigns.filter(pc.is_in(nodes.campaigns["id"], value_set=pa.array(campaigns, pa.string()))),
    )


def _source(kind: str, given: frozenset[str]) -> InteractionsSource:
    target = "campaign" if kind in CAMPAIGN_INTERACTIONS else "product"
    named = {name: name for name in _COLUMNS if name not in (*_DECISIVE, "campaign")}
    if target == "campaign" or kind != "PURCHASED" or "product" in given:
        named[target] = target
    discount = ("discount",) if "discount" in given else ()
    return InteractionsSource.model_validate({"type": kind, "path": _REQUEST, **named, "discount": discount})


def _guests(batch: ReadBatch) -> list[int]:
    empty = pc.is_null(clean_text(batch.table["customer"])).to_numpy()
    return [int(row) for row in batch.rows[empty]]


def _column(values: list[Any]) -> pa.Array:
    """Numbers where all values are, and text otherwise."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return pa.array([None if value is None else _float(value) for value in values], pa.float64())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
