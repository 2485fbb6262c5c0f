"""Work of the embedded engine in a process of its own.

Its memory goes back to the system when it is done, and a crash inside the engine ends that process and nothing else.
A module that offers such work calls `serve` when it is run; the parent calls `run_child` with the module's name and
the directory to work in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from graph.store import Progress
from habitue.errors import StoreError


def run_child(module: str, directory: Path, progress: Progress) -> None:
    """Run a module over a directory and wait for its end.

    Raises:
        StoreError: If it failed or crashed, with its last message.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(  # noqa: S603  our own module, our own interpreter
        command(module, directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        try:
            for line in child.stdout or ():
                step = json.loads(line)
                progress(step["task"], float(step["done"]))
            _, complaint = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        last = complaint.strip().splitlines()[-1:] or ["no message"]
        raise StoreError(
            f"The embedded engine ended with status {child.returncode} while the graph was changed: {last[0]}.",
            hint="Nothing was published; the last complete state is untouched. Try again, or use Neo4j.",
        )


def command(module: str, directory: Path) -> list[str]:
    """How the child is started."""
    return [sys.executable, "-m", module, str(directory)]


def serve(work: Callable[[Path, Progress], None]) -> None:
    """What a module does that is run by `run_child`: the work, in the directory that it was given.

    It ends without any of the engine's closing work, which would write to a file that is not its own.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    status = 1
    try:
        work(Path(sys.argv[1]), _report)
        status = 0
    except BaseException as error:  # whatever it is, it is the parent's to tell
        print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _report(task: str, fraction: float) -> None:
    print(json.dumps({"task": task, "done": fraction}), flush=True)


def _end_with_parent() -> None:
    """Standard input ends when the process that asked for the work does: nobody waits for the result any more."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)
