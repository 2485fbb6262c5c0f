"""A process that loads a data set and kills itself on the way: `python -m tests.graph.killed_load URL TOML WORKSPACE TASK`.

It dies by SIGKILL at the first progress of a task whose name contains TASK, after that task has done something.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from graph.dataset import read_dataset
from graph.loading import load
from graph.store import open_store
from habitue.settings import Settings


def main(url: str, description: str, workspace: str, fatal_task: str) -> None:
    def progress(task: str, _fraction: float) -> None:
        if fatal_task in task:
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(Settings(store=url, workspace=Path(workspace)))
    load(store, read_dataset(Path(description)), "shop", Path(workspace), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
