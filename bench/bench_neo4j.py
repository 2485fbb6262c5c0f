"""Loading into Neo4j and reading from it, each beside the plainest fast way to do the same, in one run.

    python -m bench.bench_neo4j [--size smoke|200k|2m|30m] [--data DIR] --neo4j FOLDER
        [--parts online,offline,export,reads] [--rounds N]

FOLDER holds the commands `start`, `stop` and `admin` of a Neo4j server; without it nothing is measured. Every figure is
of a server of its own. The references read the very files that the load reads, and write the same rows:

    online   two sessions, batches of 5,000 maps, `UNWIND … MATCH … MATCH … CREATE`, constraints of interactions last
    offline  the importer alone, on the same CSV
    export   one `collect` per customer, over two sessions and halves of the customers: once only counted, as the
             quickest that the driver can be, and once with an Arrow array made of each column, which is what ours gives
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from bench.graph_data import SIZES, prepared
from bench.measure import machine, ratio
from bench.neo4j_reads import neo4j_reads
from graph.change_files import LoadChanges
from graph.dataset import read_dataset
from graph.loading import load
from graph.model import PROPERTY_OWNERS, PROPERTY_SCHEMA, interaction_target
from graph.neo4j_offline import OfflineStore, run_import, write_import
from graph.neo4j_statements import prepare_schema, rows_of
from graph.neo4j_store import Neo4jStore
from graph.store import DatasetFacts, GraphStore, LoadRecord, Progress, no_progress

RESULTS = Path(__file__).parent / "results" / "neo4j.json"
_BATCH, _SESSIONS = 5_000, 2
_CREATE = """
UNWIND $rows AS row
MATCH (c:Customer {{id: row.customer}})
MATCH (t:{label} {{id: row.target}})
CREATE (c)-[:{name} {{id: row.id, at: localdatetime({{datetime: datetime({{epochMillis: row.at}})}}),
  quantity: row.quantity, amount: row.amount, discount: row.discount, order_id: row.order_id, channel: row.channel,
  rating: row.rating, treatment: row.treatment, load: row.load}}]->(t)
"""
_EXPORT = """
MATCH (c:Customer)-[r:PURCHASED]->(t:Product) WHERE c.id > $above AND c.id <= $upto
RETURN c.id, collect([t.id, r.id, duration.inSeconds(localdatetime('1970-01-01T00:00:00'), r.at).milliseconds,
  r.quantity, r.amount, r.discount, r.order_id, r.channel, r.rating, r.treatment, r.load])
"""


class Measured(OfflineStore):
    """A store that is measured instead of loaded."""

    def __init__(self, directory: Path, measure: Callable[[LoadChanges, list[LoadRecord], DatasetFacts], None]) -> None:
        super().__init__(directory)
        self._measure = measure

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, _progress: Progress) -> None:
        """Measure with the changes of the load."""
        self._measure(changes, list(book), facts)


class Bench:
    """The measurements, each with a server of its own."""

    def __init__(self, folder: Path, work: Path, parts: set[str], reads: int, rounds: int) -> None:
        self.folder = folder
        self.work = work
        self.parts = parts
        self.reads = reads
        self.rounds = rounds
        self.figures: dict[str, Any] = {}

    def measure(self, changes: LoadChanges, book: list[LoadRecord], facts: DatasetFacts) -> None:
        """Measure what was asked for."""
        self.figures["interactions"] = changes.added.total()
        if "online" in self.parts:
            self.online(changes, book, facts)
        if self.parts & {"offline", "export", "reads"}:
            self.offline(changes, book, facts)

    def online(self, changes: LoadChanges, book: list[LoadRecord], facts: DatasetFacts) -> None:
        """Customers, products, campaigns and interactions through the server: ours, and the plain loop."""
        nodes = changes.nodes
        none = {label: PROPERTY_SCHEMA.empty_table() for label in PROPERTY_OWNERS}
        bare = replace(changes, nodes=replace(nodes, added=replace(nodes.added, properties=none)))
        with self.server("ours") as store, timed(self.figures, "online_seconds"):
            store.apply(bare, book, facts, no_progress)
        with self.server("plain") as store, timed(self.figures, "plain_loop_seconds"):
            plain_loop(store, bare)
        self.figures["online_of_plain_loop"] = ratio(self.figures["online_seconds"], self.figures["plain_loop_seconds"])

    def offline(self, changes: LoadChanges, book: list[LoadRecord], facts: DatasetFacts) -> None:
        """CSV, import and constraints, and the export of what was imported."""
        files, home = self.work / "files", self.work / "offline"
        home.mkdir(parents=True)
        with timed(self.figures, "csv_seconds"):
            command = write_import(files, changes, book, facts, "neo4j", no_progress)
        with timed(self.figures, "import_seconds"):
            run_import([str(self.folder / "admin"), str(home), *command], no_progress)
        with self.server("offline") as store:
            with timed(self.figures, "constraints_seconds"):
                prepare_schema(store._connection)
            if "export" in self.parts:
                self.export(store)
            if "reads" in self.parts:
                self.figures["reads"] = neo4j_reads(store, self.reads)
                print(json.dumps(self.figures["reads"]), flush=True)
        offline = self.figures["csv_seconds"] + self.figures["import_seconds"]
        self.figures["offline_of_import"] = ratio(offline, self.figures["import_seconds"])
        self.figures["offline_with_constraints_of_import"] = ratio(
            offline + self.figures["constraints_seconds"], self.figures["import_seconds"]
        )

    def export(self, store: Neo4jStore) -> None:
        """All purchases, the plain forms and ours in turn; a first round warms the server up."""
        forms: dict[str, Callable[[], int]] = {
            "plain_counting_only": lambda: plain_export(store),
            "ours": lambda: sum(map(len, store.interactions("PURCHASED"))),
            "plain_with_arrays": lambda: plain_export(store, arrays=True),
        }
        for number in range(1, self.rounds + 1):
            found = {name: measured(self.work / "offline", form) for name, form in forms.items()}
            if len({each["rows"] for each in found.values()}) > 1:
                raise SystemExit(f"The exports differ: {found}")
            self.figures[f"export, round {number}"] = found
            print(f"export, round {number}: {json.dumps(found)}", flush=True)
        for kind in ("seconds", "cpu_seconds"):
            self.figures[f"export_{kind}_of_plain"] = {
                name: ratio(found["ours"][kind], each[kind]) for name, each in found.items() if name != "ours"
            }
        with timed(self.figures, "export_of_nothing_new_seconds"):
            sum(map(len, store.interactions("PURCHASED", after=1)))

    @contextmanager
    def server(self, name: str) -> Iterator[Neo4jStore]:
        """A server over a home of that name."""
        home = self.work / name
        start = [str(self.folder / "start"), "--home", str(home), "--heap", "1500m", "--pagecache", "1g"]
        environment = {"START_TIMEOUT": "240", **os.environ}
        started = subprocess.run(start, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        store = Neo4jStore(started.stdout.strip(), user="", password="", database="neo4j")
        try:
            store.facts()  # connects
            yield store
        finally:
            store.close()
            subprocess.run([str(self.folder / "stop"), str(home), "--kill"], check=False)


@contextmanager
def timed(figures: dict[str, Any], name: str) -> Iterator[None]:
    """Seconds of a block, and the client's peak memory by its end."""
    started = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - started, 2)
    figures["peak_client_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:36} {figures[name]:9.1f}", flush=True)


def measured(home: Path, export: Callable[[], int]) -> dict[str, float]:
    """Rows of an export, seconds, and the work of client and server, which depends less on what else the machine does.

    Args:
        home: Of the server.
        export: Tells how many rows it read.
    """

    def worked() -> float:
        process = (home / "run" / "neo4j.pid").read_text().strip()
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    started, work = time.perf_counter(), worked()
    rows = export()
    return {
        "rows": rows,
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(worked() - work, 2),
    }


def plain_loop(store: Neo4jStore, changes: LoadChanges) -> None:
    """What a careful programmer writes: two sessions, maps, one transaction a batch."""
    driver = store._connection.driver()

    def run(text: str, **parameters: Any) -> None:
        with driver.session() as session:
            session.execute_write(lambda transaction: transaction.run(text, parameters).consume())

    added = changes.nodes.added
    for label, table in (("Customer", added.customers), ("Product", added.products), ("Campaign", added.campaigns)):
        run(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.id IS UNIQUE")
        for start in range(0, len(table), _BATCH):
            ids = table["id"].slice(start, _BATCH).to_pylist()
            run(f"UNWIND $ids AS id CREATE (:{label} {{id: id}})", ids=ids)
    for part in changes.events():
        for name, table in part.added.interactions.items():
            text = _CREATE.format(label=interaction_target(name), name=name)
            table = table.take(pc.sort_indices(table["customer"]))
            half = -(-len(table) // _SESSIONS) or 1

            def lane(number: int, table: Any = table, half: int = half, text: str = text) -> None:
                mine = table.slice(number * half, half)
                for start in range(0, len(mine), _BATCH):
                    run(text, rows=rows_of(mine.slice(start, _BATCH)))

            with ThreadPoolExecutor(_SESSIONS) as pool:
                list(pool.map(lane, range(_SESSIONS)))
    for name in changes.added:
        run(f"CREATE CONSTRAINT FOR ()-[r:{name}]-() REQUIRE r.id IS UNIQUE")


def plain_export(store: Neo4jStore, *, arrays: bool = False) -> int:
    """All purchases as Python values, customer by customer, over two sessions; how many there are.

    Args:
        store: Of the server.
        arrays: Make Arrow arrays of the values, 20,000 rows at a time, rather than only count them.
    """
    driver = store._connection.driver()
    with driver.session() as session:
        found = session.run("MATCH (c:Customer) RETURN c.id AS id ORDER BY id")
        ids = [record["id"] for record in found]
    middle, last = ids[len(ids) // 2], ids[-1]

    def half(bounds: tuple[str, str]) -> int:
        rows = 0
        waiting: list[list[Any]] = []
        with driver.session(fetch_size=500) as session:
            for customer, found in session.run(_EXPORT, above=bounds[0], upto=bounds[1]):
                rows += len(found)
                if arrays:
                    waiting += [[customer, *row] for row in found]
                    if len(waiting) >= 20_000:
                        [pa.array(column) for column in zip(*waiting, strict=True)]
                        waiting = []
        return rows

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(half, (("", middle), (middle, last))))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--data", type=Path, default=None, help="generated where it holds none")
    parser.add_argument("--neo4j", type=Path, default=None)
    parser.add_argument("--parts", default="online,offline,export,reads")
    parser.add_argument("--rounds", type=int, default=2, help="of the export")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if options.neo4j is None:
        print("Nothing is measured without a Neo4j server: --neo4j FOLDER.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="bench-neo4j-") as temporary:
        work = Path(temporary)
        data = prepared((options.data or work / "data").resolve(), SIZES[options.size])
        parts, reads = set(options.parts.split(",")), SIZES[options.size].reads
        bench = Bench(options.neo4j.resolve(), work, parts, reads, options.rounds)
        store = cast(GraphStore, Measured(work / "unused", bench.measure))
        load(store, read_dataset(data / "dataset.toml"), "bench", work / "workspace", no_progress)
    found = json.loads(options.results.read_text(encoding="utf-8")) if options.results.is_file() else {}
    found[options.size] = {**found.get(options.size, {}), **bench.figures, "machine": machine()}
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(bench.figures, indent=2))


if __name__ == "__main__":
    main()
