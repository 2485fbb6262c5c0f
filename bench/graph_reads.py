"""Reads on the loaded store beside the same statements sent to the engine, customer by customer in turn.

    python -m bench.graph_reads --workspace DIR [--reads N] [--seconds S]

prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ladybug

import cypher
from bench.graph_place import Place
from bench.measure import busy, quantiles, ratio, run_module
from graph.ladybug_query import run
from graph.neighbourhood import neighbourhood
from graph.opening import open_store
from graph.row_cache import RowCache
from graph.store import GraphStore
from habitue.cookbook import list_queries, run_query
from habitue.errors import CypherRefusedError
from habitue.settings import Settings

#: The first subjects only warm up.
WARMING = 5
_DEAR_SECONDS = 1.0
_MOST_ROWS = 10_000

Statement = tuple[str, dict[str, Any], int]  # text, parameters, rows wanted


@dataclass
class RecordingStore:
    """Hands reads on to a store and notes which statements they send."""

    store: Any
    occurring: frozenset[str]
    sent: list[Statement] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def read(self, name: str, **parameters: Any) -> Any:
        self.sent.append((cypher.statement(name, self.store.dialect).text, parameters, _MOST_ROWS))
        return self.store.read(name, **parameters)

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> Any:
        if relationship in self.occurring:
            text = cypher.statement(f"read/neighbours_{relationship.lower()}_{direction}", self.store.dialect).text
            self.sent += [(text, {"id": each}, limit) for each in ids]
        return self.store.neighbours(relationship, direction, ids, limit)


def measure_reads(place: Place) -> dict[str, Any]:
    """All kinds of reads, in a process of their own."""
    place.say("reads")
    found = {"busy_at_start": busy()}
    measured = run_module("bench.graph_reads", "--workspace", place.workspace, "--reads", place.size.reads)
    return {**found, **measured.to_json()}


def in_turn(
    subjects: Sequence[str], ours: Callable[[str], object], raw: Callable[[str], object], seconds: float
) -> dict[str, Any]:
    """Both ways for each subject, the one that comes first changing, until time is up.

    Args:
        subjects: Ids; the first ones only warm up.
        ours: Reads by the store's interface.
        raw: Reads by the engine's.
        seconds: After so many no further subject is begun.

    Returns:
        Quantiles, and the median work of this process, which does not depend on what else the machine does (a
        statement of a user's runs in another process: there ours lacks it).
    """
    taken: dict[bool, list[float]] = {True: [], False: []}
    worked: dict[bool, list[float]] = {True: [], False: []}
    deadline = time.monotonic() + seconds
    for number, subject in enumerate(subjects):
        if number > WARMING and time.monotonic() > deadline:
            break
        for is_ours in (number % 2 == 0, number % 2 == 1):
            begin, work = time.perf_counter(), time.process_time()
            (ours if is_ours else raw)(subject)
            if number >= WARMING:
                taken[is_ours].append(time.perf_counter() - begin)
                worked[is_ours].append(time.process_time() - work)
    by_ours, by_raw = quantiles(taken[True]), quantiles(taken[False])
    return {
        "reads": len(taken[True]),
        "ours_ms": by_ours,
        "raw_ms": by_raw,
        "overhead": {name: ratio(by_ours[name], by_raw[name]) for name in by_ours},
        "cpu_p50_ms": {"ours": quantiles(worked[True])["p50"], "raw": quantiles(worked[False])["p50"]},
    }


class Reads:
    """A store and the engine beside it, with buffer pools of their own."""

    def __init__(self, workspace: Path, seconds: float) -> None:
        self.store: GraphStore = open_store(Settings(workspace=workspace), read_only=True)
        self.seconds = seconds
        published: Path = self.store.published_file()  # type: ignore[attr-defined]
        pool = 512 << 20
        self._database = ladybug.Database(str(published), buffer_pool_size=pool, read_only=True)
        # One thread answers a point read sooner than several that must be woken, and several a long statement.
        self._short, self._long = (ladybug.Connection(self._database, num_threads=n) for n in (1, 2))
        counts = self.store.health().counts
        self._occurring = frozenset(name for name, count in counts.items() if count)

    def raw(self, statements: Sequence[Statement], *, long: bool = False) -> list[list[Any]]:
        """Rows of each statement."""
        connection = self._long if long else self._short
        return [run(connection, text, parameters).get_n(rows) for text, parameters, rows in statements]

    def point(self, customers: Sequence[str]) -> dict[str, Any]:
        """One customer's node."""
        text = cypher.statement("read/customer", "ladybug").text
        return in_turn(
            customers,
            lambda customer: self.store.read("read/customer", id=customer),
            lambda customer: self.raw([(text, {"id": customer}, _MOST_ROWS)]),
            self.seconds,
        )

    def around(self, customers: Sequence[str], depth: int, *, cached: bool) -> dict[str, Any]:
        """A neighbourhood; the statements that it takes are found out beforehand."""
        taken = list(customers)
        statements: dict[str, list[Statement]] = {}
        deadline = time.monotonic() + self.seconds
        for number, each in enumerate(taken):
            if number > 2 * WARMING and time.monotonic() > deadline:
                taken = taken[:number]
                break
            recording = RecordingStore(self.store, self._occurring)
            neighbourhood(recording, each, depth=depth)
            statements[each] = recording.sent
        store: Any = self.store
        store._neighbours = RowCache() if cached else RowCache(most_rows=0)
        found = in_turn(
            taken,
            lambda customer: neighbourhood(self.store, customer, depth=depth),
            lambda customer: self.raw(statements[customer]),
            2 * self.seconds,
        )
        count = sum(map(len, statements.values())) / len(statements)
        return {**found, "statements_each": round(count, 1)}

    def cookbook(self, customers: Sequence[str], products: Sequence[str]) -> dict[str, Any]:
        """The cookbook's statements about one customer or product that answer at once; of the others, why not."""
        found: dict[str, Any] = {}
        for recipe in list_queries("ladybug"):
            required = [each.name for each in recipe.parameters if each.default is None]
            subjects = {"customer": customers, "product": products}.get(" and ".join(required))
            if subjects is None:
                continue
            name, defaults = required[0], {p.name: p.default for p in recipe.parameters if p.default is not None}

            def ours(subject: str, recipe: Any = recipe, name: str = name) -> object:
                return run_query(self.store, recipe.name, {name: subject})

            def raw(subject: str, recipe: Any = recipe, name: str = name, defaults: Any = defaults) -> object:
                return self.raw([(recipe.text, {name: subject, **defaults}, _MOST_ROWS)], long=True)

            begin = time.perf_counter()
            try:
                ours(subjects[0])
                seconds = time.perf_counter() - begin
                if seconds <= _DEAR_SECONDS:
                    found[recipe.name] = in_turn(subjects, ours, raw, self.seconds / 2)
                else:
                    found[recipe.name] = {"reads": 1, "ours_ms": {"p50": round(seconds * 1000, 1)}}
            except CypherRefusedError as error:  # by its limits of time and memory
                found[recipe.name] = {"refused": str(error)}
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--reads", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="for each kind")
    options = parser.parse_args()
    reads = Reads(options.workspace, options.seconds)
    nodes = reads.store.nodes()
    chance = random.Random(0)
    customers, products = (
        chance.sample(ids, min(len(ids), options.reads + WARMING))
        for ids in (nodes.customers["id"].to_pylist(), nodes.products["id"].to_pylist())
    )
    result = {
        "customer": reads.point(customers),
        "neighbourhood, depth 1": reads.around(customers, 1, cached=False),
        "neighbourhood, depth 2": reads.around(customers, 2, cached=False),
        "neighbourhood, depth 2, answers kept": reads.around(customers, 2, cached=True),
        "cookbook": reads.cookbook(customers, products),
        "unmerged": reads.store.unmerged(),
    }
    reads.store.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
