"""Audiences on disk: reading a seed, writing an audience whole or not at all, and the file for other tools."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audiences.lookalike import Audience
from habitue.errors import NotFoundError, UsageError

#: The column of a seed file with a header, and the first of an exported audience.
ID_COLUMN: Final = "customer_id"
_DELIMITERS: Final = ",;\t"


def read_seeds(path: Path) -> list[str]:
    """Customer ids from a file: a table with a column `customer_id`, or one id a line; UTF-8.

    The table's cells are parted by commas, semicolons or tabs; its heading may be in capitals.

    Raises:
        UsageError: If the file cannot be read, or is a table without that column.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The seed file {path} cannot be read: {error}.", hint="Give a UTF-8 text file.") from error
    for delimiter in _DELIMITERS:
        header, *rows = _cells(lines, delimiter) or [[]]
        named = [cell.casefold() for cell in header]
        if ID_COLUMN in named:
            column = named.index(ID_COLUMN)
            return [row[column] for row in rows if len(row) > column and row[column]]
    rows = _cells(lines, ",")
    widest = max(rows, key=len, default=[])
    if len(widest) > 1:
        raise UsageError(
            f"The seed file {path} has several columns ({', '.join(widest)}), and none is `{ID_COLUMN}`.",
            hint=f"Name the column of ids `{ID_COLUMN}`, or give one id a line, in quotes where it holds a comma.",
        )
    return [row[0] for row in rows]


def _cells(lines: list[str], delimiter: str) -> list[list[str]]:
    """Rows that are not empty."""
    rows = ([cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter))
    return [row for row in rows if any(row)]


def save(audience: Audience, directory: Path, *, seeds: list[str], settings: Mapping[str, Any]) -> None:
    """Write an audience into a new directory: it appears whole, or not at all.

    `members.parquet` has the ranked members, `seeds.csv` the seed as given, `settings.json` what was asked for, and
    `evaluation.json` the check and what became of the seed.

    Raises:
        FileExistsError: If the directory is there already: audiences are immutable.
    """
    if directory.exists():
        raise FileExistsError(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".audience-", dir=directory.parent))
    try:
        pq.write_table(pa.Table.from_pandas(audience.members, preserve_index=False), draft / "members.parquet")
        pd.DataFrame({ID_COLUMN: seeds}).to_csv(draft / "seeds.csv", index=False)
        _write(draft / "settings.json", dict(settings))
        _write(
            draft / "evaluation.json", {"evaluation": audience.evaluation.as_dict(), "seed": audience.seed.as_dict()}
        )
        draft.chmod(0o755)
        draft.rename(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def load(directory: Path) -> dict[str, Any]:
    """An audience as the JSON that other programs read, with its `settings`.

    Raises:
        NotFoundError: If there is none.
    """
    if not (directory / "members.parquet").is_file():
        raise NotFoundError(
            f"There is no audience {directory.name}.",
            hint="An audience is known by the id that `habitue lookalike` printed.",
        )
    members = pq.read_table(directory / "members.parquet").to_pylist()
    checked = json.loads((directory / "evaluation.json").read_text(encoding="utf-8"))
    settings = json.loads((directory / "settings.json").read_text(encoding="utf-8"))
    return {"members": members, **checked, "settings": settings}


def to_csv(members: pd.DataFrame) -> str:
    """The audience for other tools: `customer_id,rank,score`, best first, scores to six decimals."""
    return members[[ID_COLUMN, "rank", "score"]].to_csv(index=False, float_format="%.6f", lineterminator="\n")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
