"""Benchmark folders: what is read, what is left out and counted, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.benchmark_files import TripleFolder, read_folder
from embeddings.benchmark_parts import parts_of
from embeddings.published_results import published
from habitue.errors import DatasetError


def write(folder: Path, **parts: str) -> Path:
    """A folder with small parts, those given replaced."""
    texts = {"train": "b\tr\ta\na\tr\tc\n", "valid": "a\tr\tb\n", "test": "c\tr\ta\n", **parts}
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text.encode())
    return folder


def test_names_are_numbered_in_their_order(tmp_path: Path) -> None:
    folder = read_folder(write(tmp_path / "toy"))
    assert (folder.name, folder.entities, folder.relations) == ("toy", ("a", "b", "c"), ("r",))
    assert folder.train.tolist() == [[1, 0, 0], [0, 0, 2]]
    assert folder.test.tolist() == [[2, 0, 0]]
    assert folder.unseen == (0, 0)


def test_line_ends_blank_lines_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    plain = read_folder(write(tmp_path / "plain"))
    other = read_folder(write(tmp_path / "other", train="\ufeffa \tr\tc\r\n\r\nb\tr\ta\r\n\n", test="c\tr\ta"))
    assert other.fingerprint == plain.fingerprint
    assert other.fingerprint != read_folder(write(tmp_path / "third", test="c\tr\tb\n")).fingerprint


def test_repeated_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = read_folder(write(tmp_path / "toy", train="a\tr\tb\nb\tr\ta\na\tr\tb\na\tr\tb\n"))
    assert folder.train.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert folder.repeated == {"train": 2, "valid": 0, "test": 0}


def test_triples_with_names_that_training_has_not_are_left_out_and_counted(tmp_path: Path) -> None:
    test = "c\tr\ta\nnew\tr\ta\na\tother\tb\nb\tr\tc\n"
    folder = read_folder(write(tmp_path / "toy", valid="newer\tr\tb\n", test=test))
    assert folder.unseen == (2, 1)
    parts = parts_of(folder)
    assert (parts.entities, parts.relations) == (("a", "b", "c"), ("r",))
    assert parts.test.tolist() == [[2, 0, 0], [1, 0, 2]]
    assert len(parts.valid) == 0
    assert parts.left_out == {"valid": 1, "test": 2}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"valid": "a\tr\tb\n\na b c\n"}, "valid.txt, line 3: 1 fields"),
        ({"train": "a\tr\tb\tc\n"}, "train.txt, line 1: 4 fields"),
        ({"test": "a\t\tb\n"}, "test.txt, line 1: a name is empty"),
        ({"test": "\n"}, "test.txt has no triples"),
    ],
)
def test_a_line_that_is_no_triple_is_refused_with_its_place(
    tmp_path: Path, parts: dict[str, str], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_folder(write(tmp_path / "toy", **parts))


def test_missing_files_and_other_encodings_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "toy")
    (folder / "train.txt").write_bytes(b"a\tr\tb\n\xff\tr\tb\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_folder(folder)
    for name in ("train", "test"):
        (folder / f"{name}.txt").unlink()
    with pytest.raises(DatasetError, match=r"no train\.txt and no test\.txt"):
        read_folder(folder)
    with pytest.raises(DatasetError, match=r"nowhere has no train\.txt"):
        read_folder(tmp_path / "nowhere")


def test_published_figures_belong_to_the_triples_and_not_to_the_name(tmp_path: Path) -> None:
    folder = read_folder(write(tmp_path / "codex-s"))
    assert published(folder) == ()


def sized(entities: int, relations: int, triples: tuple[int, int, int], fingerprint: str) -> TripleFolder:
    import numpy as np

    train, valid, test = (np.zeros((count, 3), np.int64) for count in triples)
    return TripleFolder(
        "some", fingerprint, ("e",) * entities, ("r",) * relations, train, valid, test, {}, (0, 0)
    )  # fmt: skip


def test_codex_s_is_known_by_its_fingerprint_and_fb15k_237_by_its_sizes() -> None:
    mark = "76d8a0c47645e6335899be3bb0f4adc2ff3ad5cad2d7d4fe0534c988c9064157"
    (found,) = published(sized(2034, 42, (32888, 1827, 1828), mark))
    assert (found.benchmark, found.mrr, found.hits_at_1, found.hits_at_10) == ("CoDEx-S", 0.354, 0.219, 0.634)
    assert published(sized(2034, 42, (32888, 1827, 1828), "another")) == ()
    (found,) = published(sized(14541, 237, (272115, 17535, 20466), "any"))
    assert found.to_json()["recognised_by"] == "sizes"
    assert found.benchmark == "FB15k-237"
