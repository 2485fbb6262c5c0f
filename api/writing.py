"""How the server writes: it asks its writer, a process of its own, and waits for the answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

from api.problems import BusyError, kinds_of_problem
from habitue.errors import HabitueError, StoreError
from habitue.settings import Settings
from habitue.writer import environment_of

#: Requests that may wait for the writer at a time: each holds one of the server's threads, which reading needs, too.
MAXIMUM_WAITING = 16


class Writer:
    """Starts the writer when first asked, and again when it has ended. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(MAXIMUM_WAITING)
        self._process: subprocess.Popen[str] | None = None

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Have something written; returns when it is durable.

        Raises:
            BusyError: If too many wait already.
            HabitueError: As the writer says; nothing was written then, unless it says otherwise.
            StoreError: If the writer ended meanwhile: what it had acknowledged is safe, this request may be sent again.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError(f"{MAXIMUM_WAITING} requests wait to be written.", hint="Try again in a moment.")
        try:
            line = self._exchange(json.dumps({"verb": verb, "arguments": arguments}))
        finally:
            self._places.release()
        answer = json.loads(line)
        if "error" in answer:
            kind = kinds_of_problem().get(answer["error"]["slug"], HabitueError)
            raise kind(answer["error"]["message"], hint=answer["error"]["hint"])
        result: dict[str, Any] = answer["result"]
        return result

    def _exchange(self, request: str) -> str:
        """Send the writer a line, when it is this one's turn, and wait for the line that it answers."""
        with self._turn:
            process = self._running()
            line = ""
            try:
                assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  both are pipes
                process.stdin.write(request + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = ""
            if not line.endswith("\n"):  # it ended before or while it answered
                self._process = None
                raise StoreError(
                    f"The writing process ended with status {process.wait()}; what was acknowledged before is safe.",
                    hint="Send the request again: what is there already is not written twice.",
                )
        return line

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "habitue.writer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment_of(self._settings),
            )
        return self._process

    def close(self) -> None:
        """Let the writer finish what it is at, and end it."""
        with self._turn:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()
                self._process = None
