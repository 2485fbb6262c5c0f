"""A directory of numbered versions, of which one is published: made aside, then put in place by one atomic rename.

<directory>/current          names the published version
<directory>/v000007/         a whole version
<directory>/.building-…/     one being made; left behind by an interruption, and then ignored
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from habitue.errors import LockedError, StoreError

_LOCK = "lock"
_CLEARED = "cleared"  # names the last version that was there when everything was removed


class VersionedDirectory:
    """Versions below a directory. One writer at a time, in any process; readers need no lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._pointer = directory / "current"
        self._path = str(self._pointer)
        self._read: tuple[tuple[int, int, int], str] | None = None

    def current(self) -> str:
        """Name of the published version; empty when there is none.

        Asked many times for every answer: the pointer is read again only when another file stands in its place.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116  asked for every read, and three times as fast
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, self._name())
        except FileNotFoundError:
            return ""
        return self._read[1]

    def _name(self) -> str:
        name = self._pointer.read_text(encoding="utf-8").strip()
        if not (name.startswith("v") and name[1:].isdigit()):
            raise StoreError(
                f"{self.directory / 'current'} does not name a version of the graph.",
                hint="Write the name of the newest v… directory beside it into it, or load the data again elsewhere.",
            )
        return name

    def left_behind(self) -> list[str]:
        """Names of versions whose making was interrupted; none while a writer is at work, whose they may be."""
        begun = self._begun()
        return begun if begun and not self._busy() else []

    def _begun(self) -> list[str]:
        return sorted(path.name for path in self.directory.glob(".building-*"))

    def _busy(self) -> bool:
        """Whether somebody holds the lock."""
        path = self.directory / _LOCK
        if not path.exists():
            return False
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def next(self) -> Iterator[Path]:
        """A directory to make the next version in; published when the block ends without error.

        Raises:
            LockedError: If another process is making one.
        """
        with self._locked():
            self._clear_left_behind()
            before = self.current()
            name = f"v{int((before or self._cleared() or 'v0')[1:]) + 1:06d}"
            # A name of its own: the child of a killed process may still be at work in the former one.
            building = self.directory / f".building-{name}-{secrets.token_hex(3)}"
            building.mkdir()
            try:
                yield building
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise
            self._publish(building, name, before)

    def _publish(self, building: Path, name: str, before: str) -> None:
        target = self.directory / name
        shutil.rmtree(target, ignore_errors=True)  # a version that was moved here but never published
        for path in building.rglob("*"):
            _flush(path)
        _flush(building)
        building.rename(target)
        _flush(self.directory)
        pointer = self.directory / "current.new"
        pointer.write_text(name, encoding="utf-8")
        _flush(pointer)
        pointer.replace(self.directory / "current")
        _flush(self.directory)
        self._keep(name, before)

    def drop_former(self) -> None:
        """Remove all versions but the published one, and what interrupted ones left behind."""
        with self._locked():
            self._clear_left_behind()
            self._keep(self.current())

    def forget_former(self) -> None:
        """Remove all versions but the published one; for who is making the next one (see `next`)."""
        self._keep(self.current())

    def clear(self) -> None:
        """Remove everything; a version made afterwards still gets a name that none had before."""
        with self._locked():
            if before := self.current():
                (self.directory / _CLEARED).write_text(before, encoding="utf-8")
                _flush(self.directory / _CLEARED)
                self._pointer.unlink()
                _flush(self.directory)
            self._clear_left_behind()
            self._keep()

    def _cleared(self) -> str:
        path = self.directory / _CLEARED
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def clear_left_behind(self) -> list[str]:
        """Remove what interrupted versions left behind; their names."""
        with self._locked():
            return self._clear_left_behind()

    def _clear_left_behind(self) -> list[str]:
        names = self._begun()
        for name in names:
            shutil.rmtree(self.directory / name, ignore_errors=True)
        return names

    def _keep(self, *names: str) -> None:
        for path in self.directory.glob("v[0-9]*"):
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LockedError(
                    f"Another process is writing to the graph at {self.directory}.", hint="Wait until it has finished."
                ) from error
            yield


def link_or_copy(source: Path, target: Path) -> None:
    """Have a file in a second place without its bytes in a second place, where the file system can do that.

    Neither place may be written to afterwards.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _flush(path: Path) -> None:
    """Have what was written to a file or directory reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
