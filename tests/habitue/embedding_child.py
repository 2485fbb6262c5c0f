"""A run's embedding in a process that kills itself: python -m tests.habitue.embedding_child FOLDER [PASS].

Killed (SIGKILL) as soon as it tells of that pass; without one it ends.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from habitue.embedding_training import train_embedding
from tests.embeddings.toy import AS_OF, two_groups


def main(folder: Path, last: str) -> None:
    def progress(task: str, _: float) -> None:
        print(task, flush=True)
        if last and task.startswith(f"TransE, pass {last} "):
            os.kill(os.getpid(), signal.SIGKILL)

    train_embedding(two_groups().at(AS_OF), folder / "embedding", folder / "checkpoints", seed=7, progress=progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "".join(sys.argv[2:]))
