"""A load brought into Neo4j: all that is new in many small transactions, then one that makes it visible.

    1. the load enters the book as incomplete, and what interrupted loads left behind is removed;
    2. new nodes and relationships are written, several sessions at a time, each carrying the load's number: readers
       leave out what an incomplete load wrote;
    3. one transaction removes what is replaced, writes what replaces it, and makes the load complete.

An interruption before the end of step 3 leaves the former state, as readers see it, untouched; the next load removes
the remains. One transaction stays open meanwhile and holds the place of the only writer; step 3 happens in it, in the
server's memory: a heap of 1 GB holds 120,000 corrected interactions and not 300,000. New ones cost it nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import neo4j
import pyarrow as pa
import pyarrow.compute as pc
from neo4j import exceptions

import cypher
from graph.changes import GraphChanges
from graph.ladybug_build import property_value_id
from graph.model import CAMPAIGN_INTERACTIONS, INTERACTIONS, PROPERTY_OWNERS
from graph.neo4j_connection import Neo4jConnection
from graph.store import DatasetFacts, LoadRecord, Progress, no_progress
from graph.time import utc_now
from habitue.errors import LockedError, StoreError

_BATCH_ROWS = 5_000  # larger ones are no faster and cost the server memory
_SESSIONS = 2
_SECONDS_FOR_OTHER_WRITER = 3.0

#: How the server says that a transaction waited too long for another one's lock.
_STOPPED_WAITING = frozenset({
    "LockAcquisitionTimeout", "LockClientStopped", "Terminated", "TransactionTimedOut",
    "TransactionTimedOutClientConfiguration",
})  # fmt: skip

#: What a load writes, in the order in which its remains can be removed.
_DISCARDED = (*(name.lower() for name in INTERACTIONS), "superseded", "has_property",
              "customers", "products", "campaigns", "categories", "brands", "property_values")  # fmt: skip


def statement(name: str) -> str:
    """The text of a statement of `load/`."""
    return cypher.statement(f"load/{name}", "neo4j").text


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """A table's rows as they travel: times as epoch milliseconds, columns without any value left out."""
    kept = {}
    for name in table.column_names:
        column = table[name]
        if column.null_count < len(column):
            is_time = pa.types.is_timestamp(column.type)
            kept[name] = column.cast(pa.timestamp("ms")).cast(pa.int64()) if is_time else column
    return pa.table(kept).to_pylist() if kept else [{} for _ in range(len(table))]


@contextmanager
def only_writer(connection: Neo4jConnection) -> Iterator[neo4j.Transaction]:
    """A transaction that holds the place of the only writer; committed when the block ends without error.

    The place is a node that is created at the start, under a uniqueness constraint, and deleted at the end: nobody
    ever sees it, and the server frees the place when a client is gone.

    Raises:
        LockedError: If somebody else has it.
    """
    take, release = statement("take_writer"), statement("release_writer")
    with connection.session(write=True) as session:
        try:
            with session.begin_transaction(timeout=_SECONDS_FOR_OTHER_WRITER) as attempt:
                attempt.run(take).consume()
                attempt.rollback()
        except exceptions.Neo4jError as error:
            if (error.code or "").rpartition(".")[2] in _STOPPED_WAITING:
                raise LockedError(
                    f"Another process is writing to the graph at {connection.address}.",
                    hint="Wait until it has finished.",
                ) from error
            raise
        with session.begin_transaction(timeout=0) as transaction:
            transaction.run(take).consume()
            yield transaction
            transaction.run(release).consume()
            transaction.commit()


def prepare_schema(connection: Neo4jConnection) -> None:
    """Create the constraints that are not there."""
    with connection.session(write=True) as session:
        for text in missing_constraints(connection).values():
            session.run(text).consume()


def missing_constraints(connection: Neo4jConnection) -> dict[str, str]:
    """Names of constraints that are not there, with the statements that create them."""
    _, records = connection.read(cypher.statement("read/constraints", "neo4j").text, {})
    there = {record["name"] for record in records}
    wanted = [cypher.statement(name, "neo4j") for name in cypher.names("schema", "neo4j")]
    return {each.header["constraint"]: each.text for each in wanted if each.header["constraint"] not in there}


def run_in_batches(
    transaction: neo4j.Transaction, name: str, table: pa.Table, progress: Progress, task: str, **parameters: Any
) -> None:
    """Run a statement of `load/` over a table's rows inside one transaction."""
    text = statement(name)
    for start in range(0, len(table), _BATCH_ROWS):
        transaction.run(text, {"rows": rows_of(table.slice(start, _BATCH_ROWS)), **parameters}).consume()
        progress(task, min(1.0, (start + _BATCH_ROWS) / len(table)))


def apply_changes(
    connection: Neo4jConnection, changes: GraphChanges, record: LoadRecord, facts: DatasetFacts, progress: Progress
) -> None:
    """Bring a load in; see the module for how.

    Raises:
        LockedError: If another process writes, or has loaded since the changes were worked out.
        StoreError: If the server refuses. The former state stands.
    """
    prepare_schema(connection)
    with only_writer(connection) as transaction:
        if _is_in_book(connection, record):
            return
        _Additions(connection, changes, record, progress).write()
        progress("making the load visible", 0.0)
        _replace(transaction, changes, record, progress)
        transaction.run(statement("clear_dataset")).consume()
        transaction.run(statement("add_dataset"), {"id": facts.name, "facts": facts.model_dump_json()}).consume()
        book = {"sequence": record.sequence, "finished_at": utc_now(), "report": record.report}
        transaction.run(statement("complete_load"), book).consume()
    progress("making the load visible", 1.0)


def _is_in_book(connection: Neo4jConnection, record: LoadRecord) -> bool:
    """Whether this very load is complete already; enters it as incomplete otherwise, and removes remains."""
    _, book = connection.read(cypher.statement("read/loads", "neo4j").text, {})
    incomplete = [each["sequence"] for each in book if not each["complete"]]
    same = [each for each in book if each["sequence"] == record.sequence]
    if same and same[0]["complete"]:
        if same[0]["source"] == record.source and same[0]["started_at"].to_native() == record.started_at:
            return True
        raise LockedError("Another load has finished since this one began.", hint="Load again: what is there is kept.")
    if not same and any(each["sequence"] > record.sequence for each in book):
        raise LockedError("Another load has begun since this one did.", hint="Load again: what is there is kept.")
    for name in _DISCARDED if incomplete else ():
        parameters = {"loads": incomplete, "limit": _BATCH_ROWS}
        while _run(connection, f"discard_{name}", parameters).contains_updates:
            pass
    begin = {"sequence": record.sequence, "source": record.source, "started_at": record.started_at}
    _run(connection, "begin_load", begin)
    return False


def _run(connection: Neo4jConnection, name: str, parameters: dict[str, Any]) -> neo4j.SummaryCounters:
    """Run a statement of `load/` in a transaction of its own; what it changed."""
    text = statement(name)

    def work(transaction: neo4j.ManagedTransaction) -> neo4j.SummaryCounters:
        return transaction.run(text, parameters).consume().counters

    return connection.write(work)


class _Additions:
    """Step 2: all that is new and hides behind the load's number."""

    def __init__(
        self, connection: Neo4jConnection, changes: GraphChanges, record: LoadRecord, progress: Progress
    ) -> None:
        self._connection = connection
        self._changes = changes
        self._sequence = record.sequence
        self._progress = progress
        self._counting = threading.Lock()
        self._total = sum(changes.added.counts().values()) + sum(map(len, changes.added.properties.values())) or 1
        self._done = 0

    def write(self) -> None:
        added, changes = self._changes.added, self._changes
        load = {"load": self._sequence}
        products = _without(added.products, changes.changed_products)
        self._rows("add_customers", added.customers, load)
        self._rows("add_categories", added.categories.select(["id", "name"]), load)
        self._rows("add_brands", added.brands, load)
        self._rows("add_products", products.select(["id", "name", "price", "stub"]), load)
        self._rows("add_campaigns", _without(added.campaigns, changes.changed_campaigns), load)
        self._rows("link_parents", _pairs(added.categories, "parent"))
        self._rows("link_categories", _pairs(products, "category"))
        self._rows("link_brands", _pairs(products, "brand"))
        for label, table in added.properties.items():
            ids = property_value_id(table["name"], table["value"])
            values = pa.table({"id": ids, "name": table["name"], "value": table["value"]})
            distinct = values.group_by(["id", "name", "value"]).aggregate([])
            self._rows("add_property_values", distinct, load)
            links = {"owner": table["owner"], "target": ids, "valid_from": table["valid_from"]}
            loads = pa.array([self._sequence] * len(table), pa.int64())
            self._rows(f"link_{label.lower()}_properties", pa.table({**links, "load": loads}))
        for name, table in added.interactions.items():
            self._rows(f"add_{name.lower()}", _without(table, _replaced(changes)), by_customer=True)
        for label, table in _superseded(added.superseded, of_load=self._sequence, same=True).items():
            self._rows(f"add_superseded_{label}", table, by_customer=True)

    def _rows(
        self, name: str, table: pa.Table, parameters: dict[str, Any] | None = None, *, by_customer: bool = False
    ) -> None:
        """Run a statement over a table's rows, a transaction a batch; sessions side by side on different customers."""
        if by_customer:
            table = table.take(pc.sort_indices(table["customer"]))
        starts = list(range(0, len(table), _BATCH_ROWS))
        sessions = _SESSIONS if by_customer and len(starts) >= 2 * _SESSIONS else 1
        share = -(-len(starts) // sessions) or 1
        with ThreadPoolExecutor(sessions) as pool:
            futures = [
                pool.submit(self._batches, name, table, starts[first : first + share], parameters or {})
                for first in range(0, len(starts), share)
            ]
            for future in futures:
                future.result()

    def _batches(self, name: str, table: pa.Table, starts: list[int], parameters: dict[str, Any]) -> None:
        for start in starts:
            rows = rows_of(table.slice(start, _BATCH_ROWS))
            counters = _run(self._connection, name, {"rows": rows, **parameters})
            written = counters.relationships_created or counters.nodes_created
            if written != len(rows) and name != "add_property_values":
                raise StoreError(
                    f"Of {len(rows)} rows of {name}, {written} were written: something else changes this database.",
                    hint="Load again; what readers see is as it was.",
                )
            with self._counting:
                self._done += len(rows)
                self._progress("writing to Neo4j", min(1.0, self._done / self._total))


def _replace(transaction: neo4j.Transaction, changes: GraphChanges, record: LoadRecord, progress: Progress) -> None:
    """Step 3: what is replaced goes and what replaces it comes, in one transaction.

    What can keep its place is changed in place, and what is removed is removed late: a transaction looks up an id
    under a uniqueness constraint the slower, the more relationships it has removed (5,000 look-ups took 20 s after
    250,000 removals).
    """
    total = sum(map(len, changes.removed_interactions.values())) or 1
    done = 0

    def run(name: str, table: pa.Table) -> None:
        run_in_batches(transaction, name, table, no_progress, "")

    added = changes.added
    gone, new = {}, {}
    for name in INTERACTIONS:
        removed, table = changes.removed_interactions[name].cast(pa.string()), added.interactions[name]
        corrected = table.filter(pc.is_in(table["id"], value_set=removed))
        in_place = _correct(transaction, name, corrected)
        done += len(corrected)
        progress("making the load visible", 0.9 * done / total)
        gone[name] = removed.filter(pc.invert(pc.is_in(removed, value_set=in_place)))
        replacing = table.filter(pc.is_in(table["id"], value_set=_replaced(changes)))
        new[name] = _without(replacing, in_place)
    for name in INTERACTIONS:
        run(f"remove_{name.lower()}", pa.table({"id": gone[name]}))
    for name in INTERACTIONS:
        run(f"add_{name.lower()}", new[name])
    for label, table in _superseded(added.superseded, of_load=record.sequence, same=False).items():
        run(f"add_superseded_{label}", table)
    changed = added.products.filter(pc.is_in(added.products["id"], value_set=changes.changed_products))
    run("update_products", changed.select(["id", "name", "price", "stub"]))
    if len(changed):
        transaction.run(statement("unlink_products"), {"ids": changed["id"].to_pylist()}).consume()
    run("link_categories", _pairs(changed, "category"))
    run("link_brands", _pairs(changed, "brand"))
    is_changed = pc.is_in(added.campaigns["id"], value_set=changes.changed_campaigns)
    run("update_campaigns", added.campaigns.filter(is_changed))
    for label in PROPERTY_OWNERS:
        stale = changes.removed_properties[label]
        ends = {"owner": stale["owner"], "target": property_value_id(stale["name"], stale["value"])}
        run(f"unlink_{label.lower()}_properties", pa.table(ends))


def _correct(transaction: neo4j.Transaction, name: str, table: pa.Table) -> pa.Array:
    """Give interactions their new values where their ends stay the same; the ids of those."""
    text, found = statement(f"correct_{name.lower()}"), []
    for start in range(0, len(table), _BATCH_ROWS):
        answer = transaction.run(text, {"rows": rows_of(table.slice(start, _BATCH_ROWS))})
        found += [record["id"] for record in answer]
    return pa.array(found, pa.string())


def _replaced(changes: GraphChanges) -> pa.Array:
    """Ids of interactions that are replaced, of whatever type."""
    return pa.concat_arrays([ids.cast(pa.string()) for ids in changes.removed_interactions.values()])


def _superseded(table: pa.Table, *, of_load: int, same: bool) -> dict[str, pa.Table]:
    """Replaced versions by the label at their far end: those that this load brought, or those that were held."""
    of_this_load = pc.equal(table["load"], of_load)
    table = table.filter(of_this_load if same else pc.invert(of_this_load))
    of_campaign = pc.is_in(table["type"], value_set=pa.array(CAMPAIGN_INTERACTIONS))
    return {"product": table.filter(pc.invert(of_campaign)), "campaign": table.filter(of_campaign)}


def _without(table: pa.Table, ids: pa.Array) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["id"], value_set=ids))) if len(ids) else table


def _pairs(table: pa.Table, target: str) -> pa.Table:
    linked = table.filter(pc.is_valid(table[target]))
    return pa.table({"source": linked["id"], "target": linked[target]})
