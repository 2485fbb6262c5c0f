from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audiences import files
from audiences.lookalike import Audience, LookalikeSettings, lookalike
from embeddings.similarity import centred
from habitue.errors import NotFoundError, UsageError

IDS = pa.array(["=1+1", "b,c", "d", "é", "f", "g"])


def audience() -> Audience:
    vectors = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    return lookalike(IDS, centred(vectors), ["d", "zz"], LookalikeSettings(size=3))


@pytest.mark.parametrize(
    "content",
    [
        b"a1\nb 2\n\nc3\n",
        b"a1\r\nb 2\r\nc3",
        b"customer_id\na1\nb 2\nc3\n",
        b"Customer_ID\na1\nb 2\nc3\n",
        b"name;customer_id\nx, y;a1\ny;b 2\nz;c3\n",
        b"customer_id\tname\na1\tx\nb 2\ty\nc3\tz\n",
        b'"a1"\n"b 2"\nc3\n',
        b'\xef\xbb\xbfname,customer_id\nx,a1\n"y, z",b 2\nw,c3\n',
    ],
)
def test_seed_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_bytes(content)
    assert files.read_seeds(path) == ["a1", "b 2", "c3"]


def test_seed_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        files.read_seeds(tmp_path / "none.csv")
    path = tmp_path / "seeds.csv"
    path.write_text("id,name\n1,x\n")
    with pytest.raises(UsageError, match=r"several columns \(id, name\)"):
        files.read_seeds(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        files.read_seeds(path)
    path.write_text("\n\n")
    assert files.read_seeds(path) == []


def test_an_audience_comes_back_as_it_was(tmp_path: Path) -> None:
    directory = tmp_path / "audiences" / "one"
    files.save(audience(), directory, seeds=["d", "zz"], settings={"size": 3})
    loaded = files.load(directory)
    assert loaded == {**audience().as_dict(), "settings": {"size": 3}}
    assert files.read_seeds(directory / "seeds.csv") == ["d", "zz"]
    assert [path.name for path in directory.parent.iterdir()] == ["one"]


def test_an_audience_is_written_once_and_whole(tmp_path: Path) -> None:
    directory = tmp_path / "one"
    with pytest.raises(TypeError):
        files.save(audience(), directory, seeds=["d"], settings={"size": object()})
    assert list(tmp_path.iterdir()) == []
    files.save(audience(), directory, seeds=["d"], settings={})
    with pytest.raises(FileExistsError):
        files.save(audience(), directory, seeds=["d"], settings={})


def test_an_audience_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no audience nine"):
        files.load(tmp_path / "nine")


def test_csv_for_other_tools() -> None:
    found = audience()
    lines = files.to_csv(found.members).splitlines()
    assert lines[0] == "customer_id,rank,score"
    assert len(lines) == 4
    first = found.members.iloc[0]
    identifier = f'"{first.customer_id}"' if "," in first.customer_id else first.customer_id
    assert lines[1] == f"{identifier},1,{first.score:.6f}"
