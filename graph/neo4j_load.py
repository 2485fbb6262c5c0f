"""A load brought into Neo4j in many small transactions, and made visible by one that is smaller still.

    1. the load enters the book as incomplete;
    2. batch after batch, two sessions at a time, all that it brings is written under its number. What a batch
       replaces it first keeps aside, on a `Replaced` node, in the same transaction;
    3. one transaction makes the load complete, and with it the data set's facts;
    4. what was kept aside is deleted.

Readers (`graph.neo4j_export`) leave out what carries an incomplete load's number, and take what was kept aside in its
stead: so they see the former state until step 3 and the new one from then on. Statements of the cookbook see each
batch as it comes, and never two versions of one interaction. No transaction grows with the load.

Each batch notes in its own transaction how far its part of the load has come. A load that was interrupted, by either
side's end, goes on there when it comes again with the same content; with other content, or when another load comes
first, its remains are taken out again (`graph.neo4j_remains`). One transaction stays open meanwhile and holds the
place of the only writer.
"""

from __future__ import annotations

import bisect
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import neo4j
import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import LoadChanges
from graph.changes import GraphChanges
from graph.ladybug_build import property_value_id
from graph.model import CAMPAIGN_INTERACTIONS
from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_remains import discard_remains, remains, tidy
from graph.neo4j_statements import (
    BATCH_ROWS,
    columns_of,
    only_writer,
    prepare_schema,
    read_statement,
    run_once,
    statement,
)
from graph.store import DatasetFacts, LoadRecord, Progress
from habitue.errors import LockedError, StoreError

_SESSIONS = 2  # a third one gains nothing
_KINDS = {"PURCHASED": "RETURNED", "RETURNED": "PURCHASED"}

#: Writes some rows in a transaction; how many.
Batch = Callable[[neo4j.ManagedTransaction], int]


def apply_changes(
    connection: Neo4jConnection,
    changes: LoadChanges,
    book: Sequence[LoadRecord],
    facts: DatasetFacts,
    progress: Progress,
) -> None:
    """Bring a load in; see the module for how.

    Raises:
        LockedError: If another process writes, or has loaded since the changes were worked out.
        StoreError: If the server refuses. What readers see stands.
    """
    first = not any(each["complete"] for each in read_statement(connection, "loads"))
    prepare_schema(connection, first_load=first)
    with only_writer(connection) as transaction:
        tidy(connection)
        if _is_in_book(connection, changes, book):
            return
        number = max(each.sequence for each in book)
        _Writer(connection, changes, number, touch=not first, progress=progress).write()
        progress("making the load visible", 0.0)
        prepare_schema(connection)
        transaction.run(statement("clear_dataset")).consume()
        transaction.run(statement("add_dataset"), {"id": facts.name, "facts": facts.model_dump_json()}).consume()
        for each in book:
            entry = {"sequence": each.sequence, "finished_at": each.finished_at, "report": each.report}
            transaction.run(statement("complete_load"), entry).consume()
        transaction.run(statement("discard_load_progress"), {"loads": [each.sequence for each in book]}).consume()
    progress("making the load visible", 1.0)
    tidy(connection)


def _is_in_book(connection: Neo4jConnection, changes: LoadChanges, book: Sequence[LoadRecord]) -> bool:
    """Whether these very loads are complete already; enters them as incomplete otherwise, and clears the way."""
    held = {each["sequence"]: each for each in read_statement(connection, "loads")}
    last = max(book, key=lambda each: each.sequence)
    same = held.get(last.sequence)
    if same and same["complete"]:
        if same["source"] == last.source and same["started_at"].to_native() == last.started_at:
            return True
        raise LockedError("Another load has finished since this one began.", hint="Load again: what is there is kept.")
    if not same and any(sequence > last.sequence for sequence in held):
        raise LockedError("Another load has begun since this one did.", hint="Load again: what is there is kept.")
    content = content_of(changes)
    left = remains(connection)
    if left != {each.sequence: content for each in book}:
        discard_remains(connection, left)
    for each in book:
        begin = {"sequence": each.sequence, "source": each.source, "started_at": each.started_at, "content": content}
        run_once(connection, "begin_load", **begin)
    return False


def content_of(changes: LoadChanges) -> str:
    """A digest of all that a load writes and of how it is cut into batches: the same only for the same batches."""
    digest = hashlib.blake2b(f"{BATCH_ROWS} {_SESSIONS}".encode(), digest_size=16)
    nodes = changes.nodes
    added = nodes.added
    tables = [added.customers, added.products, added.categories, added.brands, added.campaigns,
              *added.properties.values(), *nodes.removed_properties.values(),
              pa.table({"id": nodes.changed_products}), pa.table({"id": nodes.changed_campaigns})]  # fmt: skip
    for table in tables:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table.combine_chunks())
        digest.update(sink.getvalue())
    for part in changes.parts:
        for path in sorted(part.directory.iterdir()):
            with path.open("rb") as file:
                digest.update(path.name.encode())
                digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


class _Lane:
    """A part of a load: batches one after the other, each in a transaction that notes how many are written."""

    def __init__(self, connection: Neo4jConnection, load: int, name: str, written: int) -> None:
        self._connection = connection
        self._load = load
        self._name = name
        self._written = written
        self._met = 0

    def run(self, batch: Batch) -> int:
        """Write a batch unless it was written before an interruption."""
        self._met += 1
        note = {"id": self._name, "load": self._load, "batches": self._met}
        if self._met <= self._written:
            return 0

        def work(transaction: neo4j.ManagedTransaction) -> int:
            rows = batch(transaction)
            transaction.run(statement("advance_load"), note).consume()
            return rows

        return self._connection.write(work)


class _Writer:
    """Step 2: all that a load brings, hidden behind its number."""

    def __init__(
        self, connection: Neo4jConnection, changes: LoadChanges, load: int, *, touch: bool, progress: Progress
    ) -> None:
        self._connection = connection
        self._changes = changes
        self._load = load
        self._touch = touch
        self._progress = progress
        self._counting = threading.Lock()
        nodes = changes.nodes.added
        properties = sum(map(len, nodes.properties.values()))
        self._total = changes.added.total() + sum(nodes.counts().values()) + properties or 1
        self._done = 0

    def write(self) -> None:
        """Write what is not written yet."""
        written = {
            each["id"]: each["batches"] for each in read_statement(self._connection, "load_progress", load=self._load)
        }
        names = [f"{self._load}/{lane}" for lane in range(_SESSIONS)]
        lanes = [_Lane(self._connection, self._load, name, written.get(name, 0)) for name in names]
        self._run(lanes[:1], list(self._nodes(self._changes.nodes)))
        self._run(lanes, list(self._properties(self._changes.nodes)))
        for part in self._changes.events():
            self._run(lanes, list(self._events(part)))

    def _run(self, lanes: list[_Lane], batches: list[Batch]) -> None:
        """Divide batches among lanes, which run side by side."""
        share = -(-len(batches) // len(lanes)) or 1

        def run(lane: _Lane, mine: list[Batch]) -> None:
            for batch in mine:
                rows = lane.run(batch)
                with self._counting:
                    self._done += rows
                    self._progress("writing to Neo4j", min(1.0, self._done / self._total))

        with ThreadPoolExecutor(len(lanes)) as pool:
            shares = [batches[number * share : (number + 1) * share] for number in range(len(lanes))]
            for future in [pool.submit(run, lane, mine) for lane, mine in zip(lanes, shares, strict=True)]:
                future.result()

    # -- batches ----------------------------------------------------------------------------------------------------

    def _nodes(self, changes: GraphChanges) -> Iterator[Batch]:
        added = changes.added
        products, changed = _divided(added.products, changes.changed_products)
        campaigns, changed_campaigns = _divided(added.campaigns, changes.changed_campaigns)
        yield from self._rows("add_customers", added.customers)
        yield from self._rows("add_categories", added.categories.select(["id", "name"]))
        yield from self._rows("add_brands", added.brands)
        yield from self._rows("add_products", products.select(["id", "name", "price", "stub"]))
        yield from self._rows("add_campaigns", campaigns)
        yield from self._rows("link_parents", _pairs(added.categories, "parent"))
        yield from self._rows("link_categories", _pairs(products, "category"))
        yield from self._rows("link_brands", _pairs(products, "brand"))
        for start in range(0, len(changed), BATCH_ROWS):
            yield partial(self._update_products, changed.slice(start, BATCH_ROWS))
        for start in range(0, len(changed_campaigns), BATCH_ROWS):
            yield partial(self._write, "update_campaigns", changed_campaigns.slice(start, BATCH_ROWS))
        for table in added.properties.values():
            ids = property_value_id(table["name"], table["value"])
            values = pa.table({"id": ids, "name": table["name"], "value": table["value"]})
            distinct = values.group_by(values.column_names, use_threads=False).aggregate([])
            for start in range(0, len(distinct), BATCH_ROWS):
                yield partial(self._write, "add_property_values", distinct.slice(start, BATCH_ROWS))

    def _properties(self, changes: GraphChanges) -> Iterator[Batch]:
        for label, table in changes.added.properties.items():
            table = table.take(pc.sort_indices(table["owner"]))
            links = pa.table({
                "owner": table["owner"],
                "target": property_value_id(table["name"], table["value"]),
                "valid_from": table["valid_from"],
            })  # fmt: skip
            stale = changes.removed_properties[label]
            stale = stale.take(pc.sort_indices(stale["owner"]))
            stale = pa.table({"owner": stale["owner"], "target": property_value_id(stale["name"], stale["value"])})
            owners = stale["owner"].to_pylist()
            done = 0
            for start in range(0, len(links), BATCH_ROWS):
                batch = links.slice(start, BATCH_ROWS)
                upto = bisect.bisect_right(owners, batch["owner"][-1].as_py())
                yield partial(self._link, label.lower(), stale.slice(done, upto - done), batch)
                done = upto

    def _events(self, changes: GraphChanges) -> Iterator[Batch]:
        added = changes.added.interactions
        for name, table in added.items():
            former = _former(changes, name)
            replaced = pa.concat_arrays(list(former.values()))
            new, corrected = _divided(table.take(pc.sort_indices(table["customer"])), replaced)
            for start in range(0, len(new), BATCH_ROWS):
                yield partial(self._add, name, new.slice(start, BATCH_ROWS))
            for start in range(0, len(corrected), BATCH_ROWS):
                batch = corrected.slice(start, BATCH_ROWS)
                yield partial(self._correct, name, batch, {
                    kind: ids.filter(pc.is_in(ids, value_set=batch["id"].combine_chunks()))
                    for kind, ids in former.items()
                })  # fmt: skip
        for label, table in _by_label(changes.added.superseded).items():
            for start in range(0, len(table), BATCH_ROWS):
                yield partial(self._add, f"superseded_{label}", table.slice(start, BATCH_ROWS))

    def _rows(self, name: str, table: pa.Table) -> Iterator[Batch]:
        for start in range(0, len(table), BATCH_ROWS):
            yield partial(self._create, name, table.slice(start, BATCH_ROWS))

    # -- what a batch does ------------------------------------------------------------------------------------------

    def _write(self, name: str, table: pa.Table, transaction: neo4j.ManagedTransaction) -> int:
        parameters = {**columns_of(table), "load": self._load}
        transaction.run(statement(name), parameters).consume()
        return len(table)

    def _create(self, name: str, table: pa.Table, transaction: neo4j.ManagedTransaction) -> int:
        """Run a statement that makes one node or one relationship of each row."""
        parameters = {**columns_of(table), "load": self._load}
        made = transaction.run(statement(name), parameters).consume().counters
        if (made.relationships_created or made.nodes_created) != len(table):
            raise StoreError(
                f"Of {len(table)} rows of {name}, {made.relationships_created or made.nodes_created} were written: "
                "something else changes this database.",
                hint="Load again; what readers see is as it was.",
            )
        return len(table)

    def _add(self, name: str, table: pa.Table, transaction: neo4j.ManagedTransaction) -> int:
        rows = self._create(f"add_{name.lower()}", table, transaction)
        self._touch_customers(table, transaction)
        return rows

    def _touch_customers(self, table: pa.Table, transaction: neo4j.ManagedTransaction) -> None:
        if self._touch:
            parameters = {"ids": pc.unique(table["customer"]).to_pylist(), "load": self._load}
            transaction.run(statement("touch_customers"), parameters).consume()

    def _correct(
        self, name: str, table: pa.Table, former: dict[str, pa.Array], transaction: neo4j.ManagedTransaction
    ) -> int:
        """Replace interactions: in place where type and ends stay the same."""
        parameters = {**columns_of(table), "load": self._load}
        found: Iterable[neo4j.Record] = (
            transaction.run(statement(f"correct_{name.lower()}"), parameters) if len(former[name]) else []
        )
        in_place = pa.array([record["id"] for record in found], pa.string())
        for kind, ids in former.items():
            gone = ids if kind != name else ids.filter(pc.invert(pc.is_in(ids, value_set=in_place)))
            if len(gone):
                remove = {"ids": gone.to_pylist(), "load": self._load}
                transaction.run(statement(f"remove_{kind.lower()}"), remove).consume()
        moved = table.filter(pc.invert(pc.is_in(table["id"], value_set=in_place)))
        if len(moved):
            self._create(f"add_{name.lower()}", moved, transaction)
        self._touch_customers(table, transaction)
        return len(table)

    def _link(self, label: str, stale: pa.Table, links: pa.Table, transaction: neo4j.ManagedTransaction) -> int:
        """Give owners their properties in place of undated ones with other values."""
        if len(stale):
            self._write(f"unlink_{label}_properties", stale, transaction)
        return self._create(f"link_{label}_properties", links, transaction)

    def _update_products(self, table: pa.Table, transaction: neo4j.ManagedTransaction) -> int:
        self._write("update_products", table.select(["id", "name", "price", "stub"]), transaction)
        transaction.run(statement("unlink_products"), {"ids": table["id"].to_pylist()}).consume()
        for name, target in (("link_categories", "category"), ("link_brands", "brand")):
            if len(pairs := _pairs(table, target)):
                self._create(name, pairs, transaction)
        return len(table)


def _former(changes: GraphChanges, name: str) -> dict[str, pa.Array]:
    """Ids that interactions of a type replace, by the type they have until then.

    Ids are unique within a type only: those of another one are of other interactions, but for a purchase that becomes
    a return, or back. Such a line does not come again as what it was.
    """
    removed = {kind: ids.cast(pa.string()) for kind, ids in changes.removed_interactions.items()}
    former = {name: removed[name]}
    if other := _KINDS.get(name):
        comes_again = pc.is_in(removed[other], value_set=changes.added.interactions[other]["id"].combine_chunks())
        former[other] = removed[other].filter(pc.invert(comes_again))
    return former


def _divided(table: pa.Table, ids: pa.Array) -> tuple[pa.Table, pa.Table]:
    """Rows whose id is not among `ids`, and those whose is."""
    among = pc.is_in(table["id"], value_set=ids.cast(pa.string()))
    return table.filter(pc.invert(among)), table.filter(among)


def _by_label(superseded: pa.Table) -> dict[str, pa.Table]:
    """Replaced versions by the label at their far end."""
    of_campaign = pc.is_in(superseded["type"], value_set=pa.array(CAMPAIGN_INTERACTIONS))
    return {"product": superseded.filter(pc.invert(of_campaign)), "campaign": superseded.filter(of_campaign)}


def _pairs(table: pa.Table, target: str) -> pa.Table:
    linked = table.filter(pc.is_valid(table[target]))
    return pa.table({"source": linked["id"], "target": linked[target]})
