"""Work of the embedded engine in a process of its own.

Its memory goes back to the system when it is done, and a crash inside the engine ends that process and nothing else.
A module that offers such work calls `serve` when it is run; the parent calls `run_child` with the module's name and
the directory to work in, or starts a `Child` ahead of time, whose beginning then costs nobody's time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from graph.store import Progress
from habitue.errors import StoreError

Work = Callable[[Path, Progress], None]

_GO = b"go\n"
_AHEAD = "--ahead"


@dataclass(frozen=True, eq=False)
class Child:
    """A process that has started and waits to be told to work."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def started(cls, module: str, directory: Path, *, ahead: bool = False) -> Iterator[Child]:
        """Start a module over a directory; the process ends with the block.

        Args:
            module: Calls `serve`.
            directory: To work in.
            ahead: Let it make itself ready before it is told to work, where it can.
        """
        with subprocess.Popen(  # noqa: S603  our own module, our own interpreter
            command(module, directory, ahead=ahead),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        ) as process:
            try:
                yield cls(process)
            finally:
                process.kill()  # nothing to one that has ended

    def work(self, progress: Progress) -> None:
        """Have it work, and wait for its end.

        Raises:
            StoreError: If it failed or crashed, with its last message.
        """
        process = self.process
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it has failed already, and says why
                os.write(process.stdin.fileno(), _GO)
        for line in process.stdout or ():
            step = json.loads(line)
            progress(step["task"], float(step["done"]))
        complaint = process.stderr.read() if process.stderr is not None else ""
        if process.wait():
            last = complaint.strip().splitlines()[-1:] or ["no message"]
            raise StoreError(
                f"The embedded engine ended with status {process.returncode} while the graph was changed: {last[0]}.",
                hint="Nothing was published; the last complete state is untouched. Try again, or use Neo4j.",
            )


def run_child(module: str, directory: Path, progress: Progress) -> None:
    """Run a module over a directory and wait for its end.

    Raises:
        StoreError: If it failed or crashed, with its last message.
    """
    with Child.started(module, directory) as child:
        child.work(progress)


def command(module: str, directory: Path, *, ahead: bool = False) -> list[str]:
    """How the child is started."""
    return [sys.executable, "-m", module, str(directory), *([_AHEAD] if ahead else [])]


def serve(work: Work, ready: Callable[[Path], Work] | None = None) -> None:
    """What a module does that is run as a child: the work, in the directory that it was given, when it is told to.

    It ends without any of the engine's closing work, which would write to a file that is not its own.

    Args:
        work: Done when the parent says so.
        ready: What can be done before, where the parent asks for it; returns the work that is left.
    """
    told = threading.Event()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    status = 1
    try:
        directory = Path(sys.argv[1])
        if ready is not None and _AHEAD in sys.argv[2:]:
            work = ready(directory)
        told.wait()
        work(directory, _report)
        status = 0
    except BaseException as error:  # whatever it is, it is the parent's to tell
        print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _report(task: str, fraction: float) -> None:
    print(json.dumps({"task": task, "done": fraction}), flush=True)


def _listen(told: threading.Event) -> None:
    """Standard input says when to work, and ends when the process that asked for it does: nobody waits any more."""
    while os.read(sys.stdin.fileno(), 1024):
        told.set()
    os._exit(1)
