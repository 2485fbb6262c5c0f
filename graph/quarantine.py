"""The refused rows of a load, as a CSV file that exists only when there are any."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from graph.validation import Refusal

_HEADER = ["file", "row", "column", "reason", "value"]


class Quarantine:
    """A quarantine file as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()

    def add(self, refusals: Sequence[Refusal]) -> None:
        """Append refused rows."""
        if not refusals:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if is_new:
                writer.writerow(_HEADER)
            for each in refusals:
                writer.writerow([each.file, each.row, each.column, each.reason, each.value])
                self.counts[f"{each.column}: {each.reason}" if each.column else each.reason] += 1


def join_quarantines(paths: Iterable[Path], target: Path) -> bool:
    """Write the rows of several quarantine files, those that exist, into one; it is put in place whole.

    Returns:
        Whether there were any; nothing is written otherwise.
    """
    found = [path for path in paths if path.exists()]
    if not found:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    with draft.open("wb") as out:
        for number, path in enumerate(found):
            with path.open("rb") as stream:
                if number:
                    stream.readline()  # the header: its cells hold no line ends
                while block := stream.read(1 << 20):
                    out.write(block)
    draft.replace(target)
    return True
