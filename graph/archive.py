"""The whole graph as a folder of Parquet files that no store owns: for backups and for moving between stores.

<folder>/manifest.json       format, facts, book of loads, numbers of rows, content fingerprint
<folder>/nodes/…parquet      nodes and properties
<folder>/events/part-…/      interactions, as a load stages them
<folder>/derived/…parquet    signals, similarities and audiences that were written back
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.change_files import EventPart, LoadChanges, write_part
from graph.changes import GraphChanges
from graph.derived import MEMBER_SCHEMA, SIMILAR_SCHEMA, audiences, derived_pages
from graph.fingerprint import ContentFingerprint, content_fingerprint, node_tables
from graph.migrations import check_schema
from graph.model import INTERACTIONS, PROPERTY_OWNERS, SCHEMA_VERSION, SCORE_SCHEMA
from graph.store import DatasetFacts, GraphStore, LoadRecord, Progress
from graph.tables import GraphTables
from habitue.errors import NothingLoadedError, StoreError

_FORMAT = 1
_DERIVED = {"scores": SCORE_SCHEMA, "similar": SIMILAR_SCHEMA, "members": MEMBER_SCHEMA}


@dataclass(frozen=True)
class Archive:
    """A graph in a folder: what the manifest says of it."""

    directory: Path
    facts: DatasetFacts
    book: tuple[LoadRecord, ...]
    fingerprint: ContentFingerprint


def write_archive(store: GraphStore, directory: Path, progress: Progress) -> Archive:
    """Write the graph of a store into an empty directory, as a stream.

    Raises:
        NothingLoadedError: If the graph is empty.
        StoreError: If the graph changed meanwhile.
    """
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty: there is nothing to copy.", hint="Run `habitue load SOURCE`.")
    check_schema(facts)
    book = tuple(each for each in store.loads() if each.complete)
    progress("reading nodes", 0.0)
    nodes = store.nodes()
    _write_nodes(nodes, directory / "nodes")
    _write_events(store, directory / "events", progress)
    _write_derived(store, nodes.customers["id"].combine_chunks().sort(), directory / "derived", progress)
    fingerprint = content_fingerprint(store, progress)
    if store.facts() != facts:
        raise StoreError("The graph changed while it was read.", hint="Try again when no load is running.")
    archive = Archive(directory, facts, book, fingerprint)
    manifest = {
        "format": _FORMAT,
        "facts": facts.model_dump(mode="json"),
        "book": [asdict(each) for each in book],
        "rows": dict(fingerprint.rows),
        "fingerprint": fingerprint.digest,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=2, default=str), encoding="utf-8")
    return archive


def open_archive(directory: Path) -> Archive:
    """What the manifest in a folder says.

    Raises:
        StoreError: If there is none, or it is of another release.
    """
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{directory} holds no archive of a graph.", hint="`habitue backup` makes one, with a manifest.json."
        ) from error
    if manifest.get("format") != _FORMAT:
        raise StoreError(
            f"The archive in {directory} has format {manifest.get('format')}; this release reads format {_FORMAT}."
        )
    return Archive(
        directory,
        DatasetFacts.model_validate(manifest["facts"]),
        tuple(_record(each) for each in manifest["book"]),
        ContentFingerprint(manifest["rows"], manifest["fingerprint"]),
    )


def restore_archive(archive: Archive, store: GraphStore, progress: Progress) -> None:
    """Bring an archive into an empty store, with its loads and what was derived, and compare the content.

    Raises:
        StoreError: If the store is not empty, or holds something else afterwards; then it is empty again.
    """
    if store.facts() is not None:
        raise StoreError(
            "The graph that is to be filled holds something already.",
            hint="Give an empty workspace, or an empty Neo4j database.",
        )
    changes = _changes(archive.directory)
    store.check_capacity(changes.added.total())
    facts = archive.facts.model_copy(update={"schema_version": SCHEMA_VERSION})  # a store writes its own layout
    store.apply(changes, archive.book, facts, progress)
    try:
        _restore_derived(archive.directory / "derived", store, progress)
        _compare(archive, content_fingerprint(store, progress))
    except BaseException:
        # Half a graph would pass for a whole one. What somebody else has loaded meanwhile is not ours to remove.
        if [each.sequence for each in store.loads()] == [each.sequence for each in archive.book]:
            progress("emptying the store again", 1.0)
            store.clear()
        raise


def _compare(archive: Archive, found: ContentFingerprint) -> None:
    if found.digest == archive.fingerprint.digest:
        return
    rows = {name: (count, found.rows.get(name, 0)) for name, count in archive.fingerprint.rows.items()}
    differing = {name: counts for name, counts in rows.items() if counts[0] != counts[1]}
    raise StoreError(
        f"The graph does not hold what the archive does: {differing or 'values differ, numbers of rows agree'}.",
        hint="The store was emptied again, unless something else was loaded into it; restore once more, or from "
        "another backup.",
    )


def _write_nodes(nodes: GraphTables, directory: Path) -> None:
    for name, table in node_tables(nodes).items():
        _write(table, directory / f"{name}.parquet")


def _write_events(store: GraphStore, directory: Path, progress: Progress) -> None:
    number = 0
    nothing = GraphChanges.nothing()
    for place, name in enumerate(INTERACTIONS):
        for table in store.interactions(name):
            added = replace(nothing.added, interactions={**nothing.added.interactions, name: table})
            write_part(directory / f"part-{number:06d}", replace(nothing, added=added))
            number += 1
            progress(f"reading {name}", place / len(INTERACTIONS))
    superseded = store.superseded()
    if len(superseded):
        added = replace(nothing.added, superseded=superseded)
        write_part(directory / f"part-{number:06d}", replace(nothing, added=added))


def _write_derived(store: GraphStore, customers: pa.StringArray, directory: Path, progress: Progress) -> None:
    _write(audiences(store), directory / "audiences.parquet")
    for name, schema in _DERIVED.items():
        progress(f"reading {name}", 1.0)
        with pq.ParquetWriter(directory / f"{name}.parquet", schema, compression="zstd") as writer:
            for page in derived_pages(store, name, customers):
                writer.write_table(page)


def _changes(directory: Path) -> LoadChanges:
    def nodes(name: str) -> pa.Table:
        schema = node_tables(GraphTables.empty())[name].schema
        return pq.read_table(directory / "nodes" / f"{name}.parquet").cast(schema)

    tables = replace(
        GraphTables.empty(),
        **{name: nodes(name) for name in ("customers", "products", "categories", "brands", "campaigns")},
        properties={label: nodes(f"properties of {label}") for label in PROPERTY_OWNERS},
    )
    counts = {name: count for name, count in tables.counts().items() if name not in INTERACTIONS}
    parts = tuple(EventPart(path) for path in sorted((directory / "events").glob("part-*")))
    added: Counter[str] = Counter()
    for part in parts:
        for name in INTERACTIONS:
            if path := part.added_file(name):
                added[name] += pq.read_metadata(path).num_rows
    changes = replace(GraphChanges.nothing(), added=tables, counts=Counter(counts))
    return LoadChanges(changes, parts, added, Counter(), Counter())


def _restore_derived(directory: Path, store: GraphStore, progress: Progress) -> None:
    tables = {name: pq.read_table(directory / f"{name}.parquet") for name in (*_DERIVED, "audiences")}
    if len(tables["scores"]):
        store.write_scores(tables["scores"], progress)
    if len(similar := tables["similar"]):
        # All similarities come from one run: they are replaced as a whole.
        store.write_similar(similar.drop_columns(["model"]), similar["model"][0].as_py(), progress)
    for audience in tables["audiences"].to_pylist():
        mine = tables["members"].filter(pc.equal(tables["members"]["target"], audience["id"]))
        members = [{"id": row["source"], **_without_ends(row)} for row in mine.to_pylist()]
        store.write_audience(audience, members)


def _without_ends(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("source", "target")}


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def _record(row: dict[str, Any]) -> LoadRecord:
    times = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("started_at", "finished_at")}
    return LoadRecord(**{**row, **times})
