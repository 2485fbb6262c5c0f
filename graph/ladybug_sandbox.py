"""Users' statements on the embedded engine, each in a child process that the engine may end, fill, or keep busy.

The engine does not always heed its own timeout, and it has ended its process. So statements run in warm children, at
most two at a time; a child that does not answer in time is killed, one that ended is told of, and the next statement
gets another. Nothing the children do can change the graph or reach this process's memory.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graph import wire
from graph.guard_tokens import limited_to, used_parameters
from graph.store import QueryLimits, Rows
from habitue.errors import CypherRefusedError, StoreError

MOST_AT_ONCE = 2
_GRACE_SECONDS = 0.25  # for the engine to stop by itself, which keeps the child
_START_SECONDS = 60.0
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH")

_State = tuple[str, tuple[tuple[int, int, int], ...]]


class Sandbox:
    """Children that run statements. Safe to use from several threads; no process is started before the first one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_Child] = []
        self._running: set[_Child] = set()
        self._taken = 0
        weakref.finalize(self, _end_all, self._idle, self._running)

    def query(self, database: Path, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        """Run a statement that the guard let through.

        Args:
            database: The file of the published version.
            text: The statement.
            parameters: Values of its parameters; those it does not use stay here.
            limits: Rows and bytes cut the answer, which is then `truncated`; seconds and memory end the statement.

        Raises:
            CypherRefusedError: If it is not valid, takes too long, needs too much memory, or if its first row alone is
                longer than the bytes allowed.
            StoreError: If the database does not open, the statement ended the engine, or all places stay taken.
        """
        used = used_parameters(text)
        request = wire.dump({
            "text": limited_to(text, limits.rows + 1),
            "parameters": {name: value for name, value in parameters.items() if name in used},
            "rows": limits.rows, "bytes": limits.bytes, "seconds": limits.seconds, "memory": limits.memory,
        })  # fmt: skip
        with self._child(database, limits) as child:
            return child.answer(request, limits)

    def processes(self) -> list[int]:
        """Ids of the children that live."""
        with self._changed:
            return [child.process.pid for child in (*self._idle, *self._running)]

    def close(self) -> None:
        """End all children; a statement that runs meanwhile fails."""
        with self._changed:
            _end_all(self._idle, self._running)
            self._idle.clear()

    @contextlib.contextmanager
    def _child(self, database: Path, limits: QueryLimits) -> Iterator[_Child]:
        """A child of one's own that has the database open as it is now."""
        state = _state(database)
        with self._changed:
            if not self._changed.wait_for(lambda: self._taken < MOST_AT_ONCE, timeout=max(1.0, limits.seconds)):
                raise StoreError(f"{MOST_AT_ONCE} statements are running.", hint="Try again in a moment.")
            self._taken += 1
            stale = [each for each in self._idle if each.state != state or each.process.poll() is not None]
            self._idle[:] = [each for each in self._idle if each not in stale]
            child = self._idle.pop() if self._idle else None
            if child is not None:
                self._running.add(child)
        try:
            for each in stale:
                each.end()
            if child is None:
                child = _Child(database, state)
                with self._changed:
                    self._running.add(child)
                child.wait_until_ready()
            yield child
        finally:
            with self._changed:
                self._taken -= 1
                if child is not None:
                    self._running.discard(child)
                    if child.usable:
                        self._idle.append(child)
                self._changed.notify()
            if child is not None and not child.usable:
                child.end()


class _Child:
    """One process, one statement at a time."""

    def __init__(self, database: Path, state: _State) -> None:
        self.database = database
        self.state = state
        self.usable = False
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603  our own module, our own interpreter
            [sys.executable, "-m", "graph.ladybug_sandbox_child", str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a trace could hold what the statement holds
            bufsize=0,
            # Nothing else of the environment: it holds keys and passwords.
            env={**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                 "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: PT018, S101
        self._input, self._output = self.process.stdin, self.process.stdout
        self._ready = select.poll()
        self._ready.register(self._output, select.POLLIN)

    def wait_until_ready(self) -> None:
        """Wait until the database is open.

        Raises:
            StoreError: If it does not open.
        """
        deadline = time.monotonic() + _START_SECONDS
        kind, payload = self._receive(deadline)
        if kind != wire.READY:
            raise StoreError(
                f"The embedded graph at {self.database} does not open: {wire.load(payload)['message']}.",
                hint="Another process may hold it; otherwise restore it or load the data again.",
            )
        self.usable = True

    def answer(self, request: bytes, limits: QueryLimits) -> Rows:
        """Send a statement and gather its rows; see `Sandbox.query`."""
        self.usable = False  # until the answer has come whole
        deadline = time.monotonic() + limits.seconds + _GRACE_SECONDS
        try:
            self._send(wire.frame(wire.STATEMENT, request))
            columns: tuple[str, ...] = ()
            rows: list[tuple[Any, ...]] = []
            while True:
                kind, payload = self._receive(deadline)
                if kind == wire.COLUMNS:
                    columns = tuple(wire.load(payload))
                elif kind == wire.ROWS:
                    rows += [tuple(row) for row in wire.load(payload)]
                else:
                    break
        except _LateError:
            raise _too_late(limits) from None
        told = wire.load(payload)
        self.usable = not told.get("spent")
        if kind == wire.ERROR:
            raise _refusal(told["kind"], told["message"], limits)
        return Rows(columns, rows, told["truncated"])

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        self._input.close()
        self._output.close()

    def _send(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[self._input.write(view) or 0 :]
        except OSError as error:
            raise self._ended() from error

    def _receive(self, deadline: float) -> tuple[bytes, bytes]:
        kind, length = wire.HEADER.unpack(self._read(wire.HEADER.size, deadline))
        return kind, self._read(length, deadline)

    def _read(self, length: int, deadline: float) -> bytes:
        parts = []
        while length:
            left = deadline - time.monotonic()
            if left <= 0 or not self._ready.poll(left * 1000):
                raise _LateError
            part = os.read(self._output.fileno(), length)
            if not part:
                raise self._ended()
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _ended(self) -> StoreError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        status = self.process.returncode or 0
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return StoreError(
            f"The statement ended the embedded engine ({how}). Nothing was lost: it ran in a process of its own.",
            hint="Write it otherwise, or ask for less at once; the next statement is answered.",
        )


class _LateError(Exception):
    """The child did not answer in time."""


def _end_all(*children: list[_Child] | set[_Child]) -> None:
    for each in [child for group in children for child in group]:
        each.process.kill()
        each.process.wait()


def _state(database: Path) -> _State:
    """What tells one state of the database from another: its path, and the identity of its file and of its log."""

    def identity(path: Path) -> tuple[int, int, int]:
        try:
            status = path.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    return str(database), (identity(database), identity(database.with_name(f"{database.name}.wal")))


def _too_late(limits: QueryLimits) -> CypherRefusedError:
    return CypherRefusedError(
        f"The statement was stopped after {limits.seconds:g} seconds.", hint="Ask for less at once."
    )


def _refusal(kind: str, message: str, limits: QueryLimits) -> CypherRefusedError:
    if kind == "seconds":
        return _too_late(limits)
    if kind == "memory":
        return CypherRefusedError(
            f"The statement needs more memory than the {limits.memory >> 20} MiB it may take.",
            hint="Ask for less at once.",
        )
    if kind == "bytes":
        return CypherRefusedError(
            f"A row of the answer is longer than the {limits.bytes:,} bytes that an answer may have.",
            hint="Return fewer values in a row, or collect fewer.",
        )
    if kind == "time":
        return CypherRefusedError(
            "The answer holds a time outside the years 1 to 9999.", hint="Return it as text, or leave it out."
        )
    # The engine repeats the statement in its message; only its own words go on.
    lines = message.splitlines() or ["no message"]
    said = re.sub(r"<.*>", "<…>", lines[0])[:300].rstrip(".")
    return CypherRefusedError(f"The statement is not valid: {said}.")
