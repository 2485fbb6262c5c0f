"""The one process in which a server's writes happen: `python -m habitue.writer`.

It takes requests as JSON lines on standard input and answers each with one line on standard output. Requests are taken
one after the other; each holds the workspace's write lock while it is at work. When there is nothing to do for a while,
it merges what loads have left for later. It ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TextIO

from habitue.engine import Engine
from habitue.errors import HabitueError, UsageError
from habitue.settings import Settings

#: Seconds without a request after which deferred work is done.
IDLE_SECONDS = 20.0


def verbs(engine: Engine) -> dict[str, Callable[..., dict[str, Any]]]:
    """What can be asked for, by name."""
    return {
        "add_interactions": lambda interactions: engine.add_interactions(interactions).to_json(),
        "erase": lambda customers, purge: engine.erase(customers, purge=purge).to_json(),
        "merge": lambda: {"merged": engine.merge()},
    }


def answer(engine: Engine, line: str) -> dict[str, Any]:
    """Do what a line asks for; errors are answers, too."""
    try:
        request = json.loads(line)
        known = verbs(engine)
        if request["verb"] not in known:
            raise UsageError(f"The writer knows no {request['verb']!r}.", hint=f"It knows {', '.join(known)}.")
        return {"result": known[request["verb"]](**request["arguments"])}
    except HabitueError as error:
        return {"error": {"slug": error.slug, "message": error.message, "hint": error.hint}}
    except Exception as error:  # a fault of ours: the server logs its kind, and nothing of the data
        return {"error": {"slug": "internal", "message": f"The writer failed ({type(error).__name__}).", "hint": ""}}


def serve(engine: Engine, lines: Iterator[str | None], out: TextIO) -> None:
    """Answer lines until they end; None stands for a while without one."""
    for line in lines:
        if line is not None:
            out.write(json.dumps(answer(engine, line), default=str) + "\n")
            out.flush()
        else:
            with suppress(HabitueError):  # somebody else is at work, or the store does not answer: later
                _rest(engine)


def _rest(engine: Engine) -> None:
    """Do what was put off."""
    if engine.store.facts() is not None and engine.store.unmerged():
        engine.merge()


def _lines(descriptor: int, idle_seconds: float) -> Iterator[str | None]:
    """Lines of a pipe as they come; None once after each quiet while."""
    kept = b""
    rested = False
    while True:
        ready, _, _ = select.select([descriptor], [], [], None if rested else idle_seconds)
        if not ready:
            rested = True
            yield None
            continue
        rested = False
        block = os.read(descriptor, 1 << 20)
        if not block:
            return
        *whole, kept = (kept + block).split(b"\n")
        for line in whole:
            yield line.decode()


def environment_of(settings: Settings) -> Mapping[str, str]:
    """The environment in which a writer finds the same workspace and store; secrets travel nowhere else."""
    return {
        **os.environ,
        "HABITUE_WORKSPACE": str(settings.workspace.resolve()),
        "HABITUE_STORE": settings.store,
        "HABITUE_NEO4J_USER": settings.neo4j_user,
        "HABITUE_NEO4J_PASSWORD": settings.neo4j_password.get_secret_value(),
        "HABITUE_NEO4J_DATABASE": settings.neo4j_database,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


if __name__ == "__main__":
    # Ctrl+C in the server's terminal reaches this process and those that it starts, too: the server ends them, by
    # closing standard input, once what was asked for is durable.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix with the answers
    with Engine(Settings(), publisher="api") as opened:
        serve(opened, _lines(sys.stdin.fileno(), IDLE_SECONDS), answers)
