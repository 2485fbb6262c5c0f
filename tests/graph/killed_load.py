"""A process that loads a data set and kills itself on the way.

    python -m tests.graph.killed_load URL DESCRIPTION WORKSPACE TASK

It dies by SIGKILL at the first progress of a task whose name contains TASK.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from graph import neo4j_load, neo4j_statements
from graph.dataset import read_dataset
from graph.loading import load
from graph.opening import open_store
from habitue.settings import Settings

#: As TASK: after everything is written in Neo4j's last transaction, and before that is committed.
IN_LAST_TRANSACTION = "the last transaction"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, description: str, workspace: str, fatal_task: str) -> None:
    def progress(task: str, _fraction: float) -> None:
        if fatal_task in task:
            die()

    statement = neo4j_statements.statement

    def statement_or_die(name: str) -> str:
        if name == "discard_load_progress":
            die()
        return statement(name)

    if fatal_task == IN_LAST_TRANSACTION:
        neo4j_load.statement = statement_or_die  # type: ignore[attr-defined]
    store = open_store(Settings(store=url, workspace=Path(workspace)))
    load(store, read_dataset(Path(description)), "shop", Path(workspace), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
