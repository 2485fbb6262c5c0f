"""A version that is being made: its directory, and the engine's process where one was started before it was needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph import ladybug_build, ladybug_write
from graph.ladybug_child import Child, run_child
from graph.store import Progress


@dataclass(eq=False)
class Begun:
    """A version that is being made.

    Attributes:
        directory: Where it is made.
        child: A process that waits to work there; None without one.
    """

    directory: Path
    child: Child | None = None

    def work(self, module: str, progress: Progress) -> None:
        """Have the child work, or a new one.

        Args:
            module: What a new child runs; the one that waits runs the same.
            progress: Told what is done.

        Raises:
            StoreError: If it failed or crashed.
        """
        if self.child is None:
            run_child(module, self.directory, progress)
        else:
            self.child.work(progress)

    def give_up(self) -> None:
        """Start over in the same directory: end the child, and take the former version out again."""
        if self.child is not None:
            self.child.process.kill()
            self.child.process.wait()
            self.child = None
            ladybug_write.unshare(self.directory)


@contextmanager
def begun_ahead(directory: Path, former: Path | None) -> Iterator[Begun]:
    """Start what a load takes before its rows are read; what still waits ends with the block.

    Args:
        directory: Of the new version.
        former: Directory of the version before, which is opened to be changed; None where all is built anew.
    """
    if former is not None:
        ladybug_write.share(former, directory, deferred=True)
    module = ladybug_build.__name__ if former is None else ladybug_write.__name__
    with Child.started(module, directory, ahead=True) as child:
        yield Begun(directory, child)
