"""Where commands are killed: a workspace with the embedded store, or one with a Neo4j server that can be killed too.

    python -m bench.kill_places WORKSPACE [STORE]

prints what such a store holds as one line of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import process_tree
from habitue.errors import HabitueError

#: Kills something of a running command and returns what it was.
Kill = Callable[["subprocess.Popen[bytes]"], str]

_ENGINE = "graph.ladybug_"  # of the modules that run the embedded engine in a process of their own
_PATIENCE_SECONDS = 900  # for a command whose server was killed, on a busy machine


class Place(ABC):
    """A workspace and its store."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace

    @property
    @abstractmethod
    def url(self) -> str:
        """Of the store; empty for the embedded one."""

    @abstractmethod
    def other_kills(self) -> list[Kill]:
        """How something else than the command can be killed; the command has ended, or ends at once, afterwards."""

    def command(self, *arguments: str) -> list[str]:
        """A command of Habitué here."""
        found = [sys.executable, "-m", "habitue", *arguments]
        if arguments[0] != "datasets":
            found += ["--workspace", str(self.workspace), *(["--store", self.url] if self.url else [])]
        return [*found, "--json"]

    def run(self, *arguments: str) -> float:
        """Run a command to its end; its seconds.

        Raises:
            RuntimeError: If it fails.
        """
        begin = time.monotonic()
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            end = f"{done.stdout[-300:]}{done.stderr[-300:]}".strip()
            raise RuntimeError(f"{arguments[0]} ended with status {done.returncode}: {end}")
        return time.monotonic() - begin

    def content(self) -> dict[str, Any]:
        """What the store holds: `rows` by table and `digest`.

        Raises:
            RuntimeError: If it does not open.
        """
        command = [sys.executable, "-m", "bench.kill_places", str(self.workspace), *([self.url] if self.url else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()[-300:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def remove(self) -> None:
        """Remove the workspace."""
        shutil.rmtree(self.workspace, ignore_errors=True)


class Embedded(Place):
    """A workspace with its embedded store."""

    url = ""

    def other_kills(self) -> list[Kill]:
        return [_kill_engine]


def _kill_engine(child: subprocess.Popen[bytes]) -> str:
    """Kill the process of the embedded engine under a command, or the command where it is not at work right now."""
    for process in process_tree(child.pid):
        try:
            is_engine = _ENGINE.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if is_engine:
            os.kill(process, signal.SIGKILL)
            child.wait(_PATIENCE_SECONDS)
            return "engine"
    return kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> str:
    """Kill the command with all its children."""
    os.killpg(child.pid, signal.SIGKILL)
    return "client"


class Server:
    """A Neo4j server of our own, on one port for all its lives."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"neo4j://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on what it holds already."""
        arguments = ["--home", str(self.home), "--bolt", str(self.port), "--heap", "768m", "--pagecache", "256m"]
        subprocess.run(
            [str(self.folder / "start"), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"START_TIMEOUT": str(_PATIENCE_SECONDS), **os.environ},
        )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL."""
        subprocess.run([str(self.folder / "stop"), str(self.home), "--kill"], check=True, capture_output=True)

    def emptied(self, workspace: Path) -> Place:
        """The same server with nothing in it, and a workspace of its own."""
        import neo4j

        with neo4j.GraphDatabase.driver(self.url) as driver, driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
        return _OnServer(workspace, self)


class _OnServer(Place):
    def __init__(self, workspace: Path, server: Server) -> None:
        super().__init__(workspace)
        self._server = server

    @property
    def url(self) -> str:
        return self._server.url

    def content(self) -> dict[str, Any]:
        """Read here: a server that does not open ends no process of ours."""
        try:
            return read_content(self.workspace, self.url)
        except HabitueError as error:
            raise RuntimeError(str(error)) from error

    def other_kills(self) -> list[Kill]:
        return [self._kill_server]

    def _kill_server(self, child: subprocess.Popen[bytes]) -> str:
        """Kill the server under the command, which then fails on its own, and start it again."""
        self._server.kill()
        try:
            child.wait(_PATIENCE_SECONDS)
        finally:
            self._server.start()
        return "server"


def read_content(workspace: Path, url: str) -> dict[str, Any]:
    """What a store holds: `rows` by table and `digest`."""
    from graph.fingerprint import content_fingerprint
    from graph.opening import open_store
    from habitue.settings import Settings

    store = open_store(Settings(store=url, workspace=workspace), read_only=not url)
    try:
        found = content_fingerprint(store)
    finally:
        store.close()
    return {"rows": dict(found.rows), "digest": found.digest}


if __name__ == "__main__":
    print(json.dumps(read_content(Path(sys.argv[1]), "".join(sys.argv[2:]))))
