"""The workspace on disk: where things lie, who may write, and which run is published.

graph/          the embedded store                 runs/<id>/    models, scores, report; never changed once there
staging/        loads being made                   current       names the published run
quarantine/     refused rows                       audiences/    lookalike audiences
checkpoints/    trainings that were interrupted
snapshots/      cached exports of the graph        backtests/    results of backtests
vectors/        of customers with events since the published run was trained
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from habitue.errors import HabitueError, LockedError


class Workspace:
    """A directory with a fixed layout; it is made when something is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def runs(self) -> Path:
        """Directory of runs."""
        return self.path / "runs"

    @property
    def audiences(self) -> Path:
        """Directory of audiences."""
        return self.path / "audiences"

    @property
    def backtests(self) -> Path:
        """Directory of backtest results."""
        return self.path / "backtests"

    @property
    def snapshots(self) -> Path:
        """Directory of cached exports."""
        return self.path / "snapshots"

    @property
    def checkpoints(self) -> Path:
        """Directory of what interrupted trainings go on from."""
        return self.path / "checkpoints"

    @property
    def vectors(self) -> Path:
        """Directory of vectors solved for after the training, by run."""
        return self.path / "vectors"

    def current_run(self) -> Path | None:
        """Directory of the published run; None when there is none."""
        try:
            name = (self.path / "current").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None
        if not re.fullmatch(r"[0-9A-Za-z-]+", name):
            raise HabitueError(f"{self.path / 'current'} does not name a run.", hint="Run `habitue score` again.")
        return self.runs / name if (self.runs / name).is_dir() else None

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Hold the workspace's write lock; it is given up when the process ends, however it ends.

        Raises:
            LockedError: If another process holds it; says what that one is doing.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                stream.seek(0)
                holder = stream.read().strip() or "another process is writing"
                raise LockedError(f"The workspace is in use: {holder}.", hint="Wait until it has finished.") from error
            stream.seek(0)
            stream.truncate()
            stream.write(f"{what}, process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
            stream.flush()
            yield
            stream.seek(0)
            stream.truncate()

    def writer(self) -> str:
        """What the process that holds the write lock is doing; empty when none does."""
        try:
            with (self.path / "lock").open(encoding="utf-8") as stream:
                holder = stream.read().strip()
                if not holder:
                    return ""
                try:
                    fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return holder
                return ""  # the process ended without tidying up
        except FileNotFoundError:
            return ""

    @contextmanager
    def new_directory(self, parent: Path, kind: str) -> Iterator[Path]:
        """A directory being made below `parent`; it takes its place, whole, when the block ends without error.

        An interruption leaves a directory whose name starts with a dot; `interrupted` lists it, the next one of its
        kind removes it.
        """
        parent.mkdir(parents=True, exist_ok=True)
        for path in parent.glob(f".making-{kind}-*"):
            shutil.rmtree(path, ignore_errors=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        making = parent / f".making-{kind}-{name}"
        making.mkdir()
        note = {"kind": kind, "started_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"}
        (making / "making.json").write_text(json.dumps(note), encoding="utf-8")
        try:
            yield making
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        (making / "making.json").unlink()
        for path in making.rglob("*"):
            if path.is_file():
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
        making.rename(parent / name)

    def publish(self, run: str) -> None:
        """Make a run the one that is served."""
        pointer = self.path / "current.new"
        with pointer.open("w", encoding="utf-8") as stream:
            stream.write(run)
            stream.flush()
            os.fsync(stream.fileno())
        pointer.replace(self.path / "current")

    def interrupted(self) -> list[dict[str, str]]:
        """Trainings, scorings and the like that did not end: what they were and when they started."""
        found = []
        for parent in (self.runs, self.backtests, self.audiences):
            for path in sorted(parent.glob(".making-*/making.json")):
                try:
                    found.append(json.loads(path.read_text(encoding="utf-8")))
                except (OSError, ValueError):
                    continue
        return found
