"""Progress on standard error: a line that moves, silent when nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graph.store import Progress


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress callback that shows a bar on standard error when that is a terminal, and nothing otherwise."""
    if quiet or not sys.stderr.isatty():
        yield lambda _task, _fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<48}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        line = bar.add_task("", total=1.0)

        def show(task: str, fraction: float) -> None:
            bar.update(line, description=task[:48], completed=fraction)

        yield show
