"""Does a graph survive being killed? SIGKILL at random moments of load, incremental load, merge and erasure.

    python -m bench.bench_kills [--kills 100] [--seed 1] [--neo4j FOLDER]

A script of steps is first run without interruption, and the content of the graph after each step is noted. Then the
script is run again and again in new places, and each of its steps killed at a random moment: the whole process group,
the embedded engine's process alone, or the Neo4j server. After each kill the graph must open and hold exactly what it
held before the step or what it holds after it; if the step had been acknowledged, what it holds after it. The step is
then run to its end, and the content compared again: a row that is lost, doubled or different would show. Content is
all of it: `graph.fingerprint`, in a process of its own, so that a crash while opening counts as one.

Prints a table and writes bench/results/kills.json after every round, so that a run may be ended early; a store that is
not asked for keeps its figures there.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.kill_places import Embedded, Kill, Place, Server, kill_group
from bench.measure import machine
from bench.synthetic.generate import generate
from bench.synthetic.settings import Settings

RESULTS = Path(__file__).parent / "results" / "kills.json"
DATA = Settings(customers=2_000, interactions=40_000, seed=7, increments=4, increment_rows=4_000)
_MOST_FAILURES = 10  # then it is pointless to go on


@dataclass(frozen=True)
class Step:
    """A command of the script, and what it is called in the table."""

    kind: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """What a step leads to when nothing interrupts it, and how long it takes."""

    digest: str
    rows: Mapping[str, int]
    seconds: float


@dataclass
class Tally:
    """What the kills led to.

    Attributes:
        kills: By step and by what was killed.
        finished_before: Steps that ended before their moment came; not counted as kills.
        found_before: Kills after which the graph held what it held before the step.
        found_after: Kills after which it held all of the step already.
        lost, doubled, different: Kills after which it held fewer, more, or as many but other rows.
        not_opened: Kills after which it did not open.
        seconds: That it took.
        failures: All that should not have been, in words.
    """

    kills: Counter[str] = field(default_factory=Counter)
    finished_before: int = 0
    found_before: int = 0
    found_after: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0
    not_opened: int = 0
    seconds: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Kills so far."""
        return sum(self.kills.values())

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"count": self.count, **vars(self), "kills": dict(self.kills)}


def script(data: Path) -> list[Step]:
    """Load, then increments with erasures between them and a merge; those with most order lines are erased."""
    lines = pc.value_counts(pq.read_table(data / "orders-00000.parquet", columns=["customer_id"])["customer_id"])
    ranked = sorted(lines.to_pylist(), key=lambda entry: (-entry["counts"], entry["values"]))
    steps = [Step("load", ("load", str(data / "dataset.toml")))]
    for number in range(1, DATA.increments + 1):
        day = data / "increments" / f"day-{number:04d}" / "dataset.toml"
        steps.append(Step("incremental load", ("load", str(day))))
        if number == 2:
            steps.append(Step("merge", ("merge",)))
        steps.append(Step("erase", ("erase", ranked[number]["values"], "--yes")))
    return steps


def killed(place: Place, step: Step, after: float, kill: Kill) -> tuple[str, bool]:
    """Start a step and kill it after so many seconds.

    Returns:
        What was killed, empty where the step had ended before; and whether it was acknowledged.
    """
    child = subprocess.Popen(
        place.command(*step.arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        child.wait(after)
    except subprocess.TimeoutExpired:
        name = kill(child)
        child.wait()
        return name, child.returncode == 0
    if child.returncode:
        raise RuntimeError(f"{step.kind} failed before it was killed")
    return "", True


def trial(place: Place, steps: Sequence[Step], expected: Sequence[Expected], startup: float, wanted: int,
          chance: random.Random, tally: Tally) -> None:  # fmt: skip
    """Go through the script in a new place, killing every step once, until enough kills are counted."""
    before = place.content()
    for step, after in zip(steps, expected, strict=True):
        if tally.count >= wanted:
            return
        # The interpreter's start changes nothing: moments in it would be kills that cannot fail.
        moment = chance.uniform(startup, max(after.seconds, startup) * 1.05)
        name, acknowledged = killed(place, step, moment, chance.choice([kill_group, *place.other_kills()]))
        where = f"{name or 'nothing'} killed in {step.kind} after {moment:.2f} s"
        if name:
            tally.kills[f"{step.kind}, {name}"] += 1
        else:
            tally.finished_before += 1
        try:
            found = place.content()
        except RuntimeError as error:
            tally.not_opened += 1
            tally.failures.append(f"{where}: does not open ({error})")
            return
        if found["digest"] == after.digest:
            tally.found_after += not acknowledged
        elif found["digest"] == before["digest"] and not acknowledged:
            tally.found_before += 1
        else:
            _count_difference(tally, where, found["rows"], after.rows)
            return
        try:
            place.run(*step.arguments)
            found = place.content()
        except RuntimeError as error:
            tally.failures.append(f"{where}: run again, it fails ({error})")
            return
        if found["digest"] != after.digest:
            _count_difference(tally, f"{where}, run again", found["rows"], after.rows)
            return
        before = found


def _count_difference(tally: Tally, where: str, found: Mapping[str, int], expected: Mapping[str, int]) -> None:
    by_table = {name: found.get(name, 0) - expected.get(name, 0) for name in {*found, *expected}}
    tally.lost += any(each < 0 for each in by_table.values())
    tally.doubled += any(each > 0 for each in by_table.values())
    tally.different += not any(by_table.values())
    tally.failures.append(f"{where}: differs by {({n: d for n, d in by_table.items() if d}) or 'content alone'}")


def session(
    data: Path, wanted: int, seed: int, place_of: Callable[[int], Place], keep: Callable[[Tally], None]
) -> Tally:
    """Note what each step leads to, then kill; `keep` is told after every round."""
    steps = script(data)
    place = place_of(0)
    startup = min(place.run("datasets") for _ in range(3))
    expected = []
    for step in steps:
        seconds = place.run(*step.arguments)
        content = place.content()
        expected.append(Expected(content["digest"], content["rows"], seconds))
        _say(f"{step.kind}: {seconds:.1f} s, {sum(content['rows'].values()):,} rows")
    place.remove()
    tally, chance = Tally(), random.Random(seed)
    begun = time.monotonic()
    number = 1
    while tally.count < wanted and len(tally.failures) < _MOST_FAILURES:
        place = place_of(number)
        trial(place, steps, expected, startup, wanted, chance, tally)
        place.remove()
        number += 1
        tally.seconds = round(time.monotonic() - begun)
        keep(tally)
        _say(f"{tally.count} of {wanted} kills, {len(tally.failures)} failures")
    return tally


@contextmanager
def neo4j_server(folder: Path, home: Path) -> Iterator[Server]:
    """A server for all places, stopped in the end."""
    server = Server(folder.resolve(), home)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--neo4j-kills", type=int, default=None, help="of these; two fifths by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--neo4j", type=Path, default=None, help="folder with `start` and `stop` of a Neo4j server")
    parser.add_argument("--interactions", type=int, default=DATA.interactions, help="an increment has a tenth of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    on_server = (options.kills * 2 // 5 if options.neo4j_kills is None else options.neo4j_kills) if options.neo4j else 0
    report: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        data = folder / "data"
        settings = replace(DATA, interactions=options.interactions, increment_rows=options.interactions // 10)
        generate(data, settings)

        def keep(store: str, tally: Tally) -> None:
            report[store] = tally
            _write(options.results, store, {"seed": options.seed, "data": _described(settings), **tally.to_json()})

        if options.kills > on_server:
            wanted = options.kills - on_server
            session(data, wanted, options.seed, lambda n: Embedded(folder / f"embedded-{n}"), partial(keep, "embedded"))
        if on_server:
            with neo4j_server(options.neo4j, folder / "neo4j") as server:

                def emptied(number: int) -> Place:
                    return server.emptied(folder / f"server-{number}")

                session(data, on_server, options.seed, emptied, partial(keep, "neo4j"))
    for name, tally in report.items():
        print(f"{name}: {tally.count} kills ({', '.join(f'{n} {kind}' for kind, n in sorted(tally.kills.items()))})")
        print(f"  found as before the step {tally.found_before}, as after it {tally.found_after}")
        print(
            f"  rows lost {tally.lost}, doubled {tally.doubled}, different {tally.different}; "
            f"stores that do not open {tally.not_opened}"
        )
        for line in tally.failures:
            print(f"  {line}")
    sys.exit(any(tally.failures for tally in report.values()))


def _write(path: Path, store: str, found: dict[str, Any]) -> None:
    result = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**result, "machine": machine(), store: found}, indent=2) + "\n", encoding="utf-8")


def _described(settings: Settings) -> dict[str, int]:
    names = {"interactions": "interactions", "increments": "increments", "rows_each": "increment_rows"}
    return {name: getattr(settings, field) for name, field in names.items()}


def _say(task: str) -> None:
    print(f"… {task}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
