"""The process in which users' statements run on the embedded engine: `python -m graph.ladybug_sandbox_child FILE`.

It opens the database for reading, then gives away what a reading statement does not need: no further file or network
connection can be opened, no file written, and memory beyond a statement's share cannot be had. Statements come on
standard input, answers go to standard output, both framed as in `graph.wire`. When its parent ends, so does it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import resource
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ladybug

from graph import wire
from graph.ladybug_query import plain, run

BUFFER_BYTES = 256 << 20
_LEAST_HEAP_BYTES = 64 << 20
_ROWS_AT_ONCE = 100
_FRAME_BYTES = 256 << 10
_TIMES = ("DATE", "TIME", "INTERVAL")


class MemoryShare:
    """How much more memory the process may take; bounded where the system keeps count of it (Linux)."""

    def __init__(self) -> None:
        self._status: BinaryIO | None = None
        with contextlib.suppress(OSError):  # kept open: later, nothing can be opened any more
            self._status = open("/proc/self/status", "rb", buffering=0)  # noqa: PTH123, SIM115
        self._at_rest = self._data()

    def bound(self, memory: int) -> None:
        """Let the process take so many bytes, the engine's buffers among them, beyond what it has at rest.

        The engine reserves terabytes of addresses for its buffers and fills them as far as its own limit, so the limit
        on data starts from what is reserved already.
        """
        if self._at_rest:
            heap = max(memory - BUFFER_BYTES, _LEAST_HEAP_BYTES)
            resource.setrlimit(resource.RLIMIT_DATA, (self._at_rest + heap, resource.RLIM_INFINITY))

    def spent(self) -> bool:
        """Whether so much was not given back that a new process is better."""
        return self._data() > self._at_rest + 2 * _LEAST_HEAP_BYTES

    def _data(self) -> int:
        if self._status is None:
            return 0
        self._status.seek(0)
        line = next(each for each in self._status.read().splitlines() if each.startswith(b"VmData:"))
        return int(line.split()[1]) << 10


def serve(path: str) -> None:
    """Answer statements until standard input ends."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the engine prints is no answer
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    try:
        database = ladybug.Database(path, buffer_pool_size=BUFFER_BYTES, read_only=True)
        connection = ladybug.Connection(database, num_threads=2)
        run(connection, "RETURN timestamp('2000-01-01')").get_as_arrow()  # loads what Arrow loads when first used
    except (RuntimeError, OSError) as error:
        _send(out, wire.ERROR, {"kind": "open", "message": str(error)})
        return
    share = MemoryShare()
    _give_away()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    _send(out, wire.READY, {})
    while True:
        request = wire.load(requests.get())
        share.bound(request["memory"])
        try:
            truncated = _answer(connection, request, out)
        except Exception as error:  # told to the parent, whatever it is
            _send(out, wire.ERROR, {"kind": _kind(error), "message": str(error), "spent": share.spent()})
        else:
            _send(out, wire.END, {"truncated": truncated, "spent": share.spent()})


def _answer(connection: ladybug.Connection, request: dict[str, Any], out: int) -> bool:
    """Run a statement and send its rows as they come; tells whether there were more than asked for."""
    connection.set_query_timeout(max(1, int(request["seconds"] * 1000)))
    result = run(connection, request["text"], request["parameters"])
    try:
        _send(out, wire.COLUMNS, result.get_column_names())
        waiting: list[bytes] = []
        rows, total, size = 0, 0, 0
        for row in _rows(result):
            data = wire.dump([plain(value) for value in row])
            total += len(data)
            if rows == request["rows"] or total > request["bytes"]:
                if rows == 0 and request["rows"]:
                    raise OverflowError(f"row of {len(data)} bytes")
                _send_rows(out, waiting)
                return True
            rows, size = rows + 1, size + len(data)
            waiting.append(data)
            if size > _FRAME_BYTES:
                _send_rows(out, waiting)
                waiting, size = [], 0
        _send_rows(out, waiting)
        return False
    finally:
        result.close()


def _rows(result: ladybug.QueryResult) -> Iterator[Iterable[Any]]:
    """Rows one after another.

    Fetched so, a time outside what Python can hold would end the process (Ladybug 0.22): answers with times travel as
    Arrow.
    """
    if any(kind in str(each) for each in result.get_column_data_types() for kind in _TIMES):
        for batch in result.get_as_arrow(chunk_size=_ROWS_AT_ONCE).to_batches(max_chunksize=_ROWS_AT_ONCE):
            try:
                columns = [column.to_pylist() for column in batch.columns]
            except (OverflowError, ValueError) as error:
                raise _TimeError from error
            yield from zip(*columns, strict=True)
        return
    while result.has_next():
        yield from result.get_n(_ROWS_AT_ONCE)


class _TimeError(Exception):
    """A time outside the years 1 to 9999."""


def _kind(error: Exception) -> str:
    text = str(error)
    if isinstance(error, _TimeError):
        return "time"
    if isinstance(error, OverflowError):
        return "bytes"
    if isinstance(error, MemoryError) or "bad_alloc" in text or "Buffer manager" in text or "out of memory" in text:
        return "memory"
    if "nterrupted" in text:
        return "seconds"
    return "invalid" if isinstance(error, RuntimeError | TypeError | ValueError) else "unknown"


def _send_rows(out: int, rows: list[bytes]) -> None:
    if rows:
        _write(out, wire.frame(wire.ROWS, b"[" + b",".join(rows) + b"]"))


def _send(out: int, kind: bytes, value: Any) -> None:
    _write(out, wire.frame(kind, wire.dump(value)))


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


def _receive(requests: queue.SimpleQueue[bytes]) -> None:
    """Take statements in while one runs; standard input ends when nobody waits for an answer any more."""
    source = sys.stdin.buffer
    while len(header := source.read(wire.HEADER.size)) == wire.HEADER.size:
        _, length = wire.HEADER.unpack(header)
        requests.put(source.read(length))
    os._exit(0)


def _give_away() -> None:
    """Give up opening and writing files, leave no image of the memory behind, and be the first to go for want of it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    highest = max(os.dup(0), 16)
    while (spare := os.dup(0)) < highest:  # no number below the limit stays free
        pass
    for kind, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, spare + 1)):
        resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    serve(sys.argv[1])
