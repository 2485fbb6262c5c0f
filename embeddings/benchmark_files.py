"""Benchmark folders: `train.txt`, `valid.txt` and `test.txt`, a triple a line, as head, relation, tail with tabs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from habitue.errors import DatasetError

Int64Array = npt.NDArray[np.int64]

SPLITS: Final = ("train", "valid", "test")

_ADVICE: Final = "A benchmark folder holds train.txt, valid.txt and test.txt with lines of head, relation, tail."


@dataclass(frozen=True, eq=False)
class TripleFolder:
    """A benchmark's triples as numbers; entities and relations are numbered in the order of their names.

    Attributes:
        name: Of the folder.
        fingerprint: SHA-256 over the sorted triples of each part: the same data in another order has the same.
        entities, relations: Names, of all three parts.
        train, valid, test: int64 [n, 3]: head, relation, tail. Those of a part are distinct, in the file's order.
        repeated: Lines that were left out, by part, because the part has the triple already.
        unseen: Entities and relations that no training triple has.
    """

    name: str
    fingerprint: str
    entities: tuple[str, ...]
    relations: tuple[str, ...]
    train: Int64Array
    valid: Int64Array
    test: Int64Array
    repeated: dict[str, int]
    unseen: tuple[int, int]

    def seen(self, triples: Int64Array) -> npt.NDArray[np.bool_]:
        """Which triples [n] have entities and a relation that a training triple has too."""
        entity = np.isin(triples[:, [0, 2]], self.train[:, [0, 2]]).all(1)
        found: npt.NDArray[np.bool_] = entity & np.isin(triples[:, 1], self.train[:, 1])
        return found


def read_folder(directory: Path) -> TripleFolder:
    """Read a benchmark folder.

    Raises:
        DatasetError: If a file is missing, empty or not UTF-8, or a line is not three names; says which and why.
    """
    missing = [f"{part}.txt" for part in SPLITS if not (directory / f"{part}.txt").is_file()]
    if missing:
        raise DatasetError(f"{directory} has no {' and no '.join(missing)}.", hint=_ADVICE)
    rows = {part: _read(directory / f"{part}.txt") for part in SPLITS}
    distinct = {part: list(dict.fromkeys(found)) for part, found in rows.items()}
    everything = [row for found in distinct.values() for row in found]
    entities = tuple(sorted({name for head, _, tail in everything for name in (head, tail)}))
    relations = tuple(sorted({relation for _, relation, _ in everything}))
    entity = {name: number for number, name in enumerate(entities)}
    relation = {name: number for number, name in enumerate(relations)}
    numbers = {
        part: np.array([(entity[head], relation[name], entity[tail]) for head, name, tail in found], np.int64)
        for part, found in distinct.items()
    }
    train = numbers["train"]
    return TripleFolder(
        name=directory.resolve().name,
        fingerprint=_fingerprint(distinct),
        entities=entities,
        relations=relations,
        repeated={part: len(rows[part]) - len(distinct[part]) for part in SPLITS},
        unseen=(len(entities) - len(np.unique(train[:, [0, 2]])), len(relations) - len(np.unique(train[:, 1]))),
        **numbers,
    )


def _read(path: Path) -> list[tuple[str, str, str]]:
    """The triples of a file; empty lines are passed over."""
    rows: list[tuple[str, str, str]] = []
    number = 0
    try:
        # Only a line feed ends a line: names may hold the other characters that Unicode calls line breaks.
        with path.open(encoding="utf-8-sig", newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.rstrip("\r\n")
                if not text.strip():
                    continue
                fields = text.split("\t")
                if len(fields) != 3:
                    raise DatasetError(
                        f"{path}, line {number}: {len(fields)} fields between tabs, and a triple has three.",
                        hint=_ADVICE,
                    )
                head, relation, tail = (field.strip() for field in fields)
                if not (head and relation and tail):
                    raise DatasetError(f"{path}, line {number}: a name is empty.", hint=_ADVICE)
                rows.append((head, relation, tail))
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}, after line {number}: not UTF-8 ({error.reason}).", hint=_ADVICE) from error
    if not rows:
        raise DatasetError(f"{path} has no triples.", hint=_ADVICE)
    return rows


def _fingerprint(parts: dict[str, list[tuple[str, str, str]]]) -> str:
    digest = hashlib.sha256()
    for part, rows in parts.items():
        digest.update(f"{part} {len(rows)}\n".encode())
        for row in sorted(rows):
            digest.update(("\t".join(row) + "\n").encode())
    return digest.hexdigest()
