"""Directories that are whole or not there: written aside, sealed with a checksum for each file, and put in place."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graph.parallel import in_order

_SEAL = "seal.json"


@contextmanager
def sealed(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A draft of a directory, which takes its place when the block ends without error.

    Yields:
        Where to write, and a dictionary of plain values to be kept with it.
    """
    draft = directory.with_name(f".making-{directory.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    content: dict[str, Any] = {}
    yield draft, content
    seal = {"content": content, "checksums": _checksums(draft)}
    (draft / _SEAL).write_text(json.dumps(seal), encoding="utf-8")
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)


def unsealed(directory: Path) -> dict[str, Any] | None:
    """The plain values that were sealed with a directory; None where there is none, or where it is damaged."""
    seal = _seal(directory)
    try:
        return seal["content"] if seal and _checksums(directory) == seal["checksums"] else None
    except OSError:
        return None


def label(directory: Path) -> dict[str, Any] | None:
    """The same without a look at the files: they may be damaged."""
    seal = _seal(directory)
    return seal["content"] if seal else None


def _seal(directory: Path) -> dict[str, Any] | None:
    try:
        seal = json.loads((directory / _SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(seal, dict) and isinstance(seal.get("content"), dict) and "checksums" in seal
    return seal if whole else None


def _checksums(directory: Path) -> dict[str, int]:
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / _SEAL)
    return {str(path.relative_to(directory)): value for path, value in zip(files, in_order(_crc, files), strict=True)}


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            value = zlib.crc32(block, value)
    return value
