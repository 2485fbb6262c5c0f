"""Change an embedded store by statements: `python -m graph.ladybug_write DIRECTORY` (see `graph.ladybug_child`).

The directory is a version in the making. Its plan names the version before, which stays as it is, and the steps. A
*deferred* change shares that version's file and only writes the log beside it, which readers replay when they open
it; otherwise the file is copied, and what waits in the log is merged into it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ladybug
import pyarrow as pa
import pyarrow.parquet as pq

import cypher
from graph.ladybug_build import FILE_NAME, in_microseconds, quoted
from graph.ladybug_child import Work, serve
from graph.store import Progress
from graph.versions import link_or_copy

LOG_NAME = f"{FILE_NAME}.wal"
_PLAN = "plan.json"
_BATCH_ROWS = 10_000
_MERGE_EVERY = 500_000  # rows written before they are merged, where that is not put off: they wait in memory
_BUFFER_BYTES = 2 << 30
#: Of the engine's buffer pool, where steps are merged at once: COPY refuses smaller ones.
ROOMY_BYTES = 6 << 30


@dataclass(frozen=True)
class Step:
    """A statement, once for all rows of a Parquet file, or for each of them.

    Attributes:
        statement: Its name below `cypher/`.
        rows: The file; empty where there is none. Those in the version's directory are removed afterwards.
        columns: Of the file; all when empty.
        form: `rows` runs a statement that begins with `UNWIND $rows AS row` for all rows, `each` for each row with its
            columns as parameters, `copy` fills the table anew from the file.
        parameters: Further ones.
    """

    statement: str
    rows: str = ""
    columns: tuple[str, ...] = ()
    form: str = "rows"
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ChangePlan:
    """Steps as they are collected; tables go into files of the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.steps: list[Step] = []
        self.rows = 0

    def run(self, name: str, rows: pa.Table | None = None, *, form: str = "rows", **parameters: Any) -> None:
        """Add a statement of `load/`; nothing where it would have no rows."""
        if rows is None:
            self.steps.append(Step(f"load/{name}", parameters=parameters))
        elif len(rows):
            path = self.directory / f"step-{len(self.steps):03d}.parquet"
            pq.write_table(in_microseconds(rows), path, compression="lz4")
            self.steps.append(Step(f"load/{name}", str(path), form=form, parameters=parameters))
            self.rows += len(rows)

    def run_file(self, name: str, path: Path, columns: Sequence[str] = ()) -> None:
        """The same for rows that lie in a file already."""
        self.steps.append(Step(f"load/{name}", str(path.resolve()), tuple(columns)))
        self.rows += pq.read_metadata(path).num_rows

    def fill_anew(self, table: str, schema: str, rows: pa.Table) -> None:
        """Put rows in the place of all rows of a relationship table, by the statement that makes the table."""
        path = ""
        if len(rows):
            path = str(self.directory / f"step-{len(self.steps):03d}.parquet")
            pq.write_table(in_microseconds(rows), path, compression="lz4")
        self.steps.append(Step(schema, path, form="copy", parameters={"table": table}))

    def write(self, former: Path, *, deferred: bool, merge_bytes: int = ROOMY_BYTES) -> None:
        """Write it for the child: what to change, whether merging is put off, and else the buffer pool that it gets."""
        steps = [asdict(step) for step in self.steps]
        plan = {"former": str(former.resolve()), "deferred": deferred, "merge_bytes": merge_bytes, "steps": steps}
        (self.directory / _PLAN).write_text(json.dumps(plan))


def change(directory: Path, progress: Progress, database: ladybug.Database | None = None) -> None:
    """Carry out the plan of a directory, and remove it with its tables.

    Args:
        directory: Of the version that is made.
        progress: Told what is done.
        database: The version before, where it is open already (see `opened_ahead`).
    """
    plan = json.loads((directory / _PLAN).read_text())
    former, deferred = Path(plan["former"]), bool(plan["deferred"])
    if database is None:
        if not deferred:
            progress("copying the graph", 0.0)
        share(former, directory, deferred=deferred)
        database = _opened(directory, _BUFFER_BYTES if deferred else int(plan["merge_bytes"]))
    connection = ladybug.Connection(database, num_threads=1)  # rows are read, and added, in their order
    connection.execute(f"CALL force_checkpoint_on_close={'false' if deferred else 'true'}")
    waiting = 0
    for number, step in enumerate(plan["steps"]):
        for rows in _run(connection, Step(**step)):
            progress("changing the graph", number / len(plan["steps"]))
            waiting += rows
            if not deferred and waiting >= _MERGE_EVERY:
                connection.execute("CHECKPOINT")
                waiting = 0
        if step["rows"] and Path(step["rows"]).parent == directory:
            Path(step["rows"]).unlink()
    if not deferred:
        progress("merging", 0.5)
        connection.execute("CHECKPOINT")
        connection.close()
        database.close()
    (directory / _PLAN).unlink()


def share(former: Path, directory: Path, *, deferred: bool) -> None:
    """Have a new version start as the one before.

    Args:
        former: Directory of that one.
        directory: Of the new version.
        deferred: Whether the file stays as it is, so that both can share it.
    """
    (link_or_copy if deferred else shutil.copyfile)(former / FILE_NAME, directory / FILE_NAME)
    if (former / LOG_NAME).exists():
        shutil.copyfile(former / LOG_NAME, directory / LOG_NAME)


def unshare(directory: Path) -> None:
    """Take back what `share` did."""
    for name in (FILE_NAME, LOG_NAME):
        (directory / name).unlink(missing_ok=True)


def opened_ahead(directory: Path) -> Work:
    """Open what `share` put there, replaying what waits in its log; the plan of a deferred change may come later."""
    return partial(change, database=_opened(directory, _BUFFER_BYTES))


def _opened(directory: Path, pool: int) -> ladybug.Database:
    # Merging by itself would write to the file that is shared with the version before.
    return ladybug.Database(str(directory / FILE_NAME), buffer_pool_size=pool, auto_checkpoint=False)


def _run(connection: ladybug.Connection, step: Step) -> Iterator[int]:
    """Run a step, yielding the number of rows after each transaction."""
    if step.form == "copy":
        _fill_anew(connection, step)
        yield 0
        return
    text = cypher.statement(step.statement, "ladybug").text
    if not step.rows:
        connection.execute(text, dict(step.parameters))
        yield 0
        return
    file = pq.ParquetFile(step.rows)
    for batch in file.iter_batches(_BATCH_ROWS, columns=list(step.columns) or None):
        table = pa.Table.from_batches([batch])
        connection.execute("BEGIN TRANSACTION")
        if step.form == "each":
            for row in table.to_pylist():
                connection.execute(text, {**row, **step.parameters})
        else:
            _for_all(connection, text, table, step.parameters)
        connection.execute("COMMIT")
        yield len(table)


def _for_all(connection: ladybug.Connection, text: str, rows: pa.Table, parameters: Mapping[str, Any]) -> None:
    """Run a statement that begins with `UNWIND $rows AS row`, with the rows read from Arrow.

    A list of maps as a parameter costs some microseconds for each value, three times what the statement then does. Two
    MATCH clauses need a WITH between them: without it the engine multiplies both tables before it looks at the rows.
    """
    row = ", ".join(f"`{column}`: `{column}`" for column in rows.column_names)
    text = text.replace("UNWIND $rows AS row", f"LOAD FROM $rows WITH {{{row}}} AS row", 1)
    connection.execute(text, {"rows": rows, **parameters})


def _fill_anew(connection: ladybug.Connection, step: Step) -> None:
    """Drop a table, make it again by its statement, and copy the rows: COPY is fast into empty tables only."""
    table = str(step.parameters["table"])
    connection.execute(f"DROP TABLE {table}")
    connection.execute(cypher.statement(step.statement, "ladybug").text)
    connection.execute("CHECKPOINT")
    if step.rows:
        with ladybug.Connection(connection.database) as quicker:  # on all cores
            quicker.execute(f"COPY {table} FROM {quoted(step.rows)}")


if __name__ == "__main__":
    serve(change, opened_ahead)
