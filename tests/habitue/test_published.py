"""The published run in memory is the one on disk, whichever of its files an erasure has put in place anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from habitue.published import Publication, PublishedRun
from habitue.workspace import Workspace


@pytest.mark.parametrize("name", ["scores.parquet", "similarity_customers.parquet"])
def test_a_file_written_anew_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    run = tmp_path / "runs" / "1"
    run.mkdir(parents=True)
    (tmp_path / "current").write_text("1")
    for each in ("scores.parquet", "similarity_customers.parquet"):
        (run / each).write_bytes(b"rows")
    monkeypatch.setattr(PublishedRun, "read", staticmethod(lambda _: cast("PublishedRun", object())))
    publication = Publication(Workspace(tmp_path))

    first = publication.current()
    assert publication.current() is first

    # The same number of the file and the same length, as after two erasures: only the time tells.
    (run / name).write_bytes(b"rest")
    os.utime(run / name, ns=(1, 1))
    second = publication.current()
    assert second is not first
    assert publication.current() is second
