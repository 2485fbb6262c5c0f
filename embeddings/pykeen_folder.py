"""Vectors as a folder for PyKEEN and for data frames: nothing in it is pickled.

manifest.json        what it is, and how it was trained
vectors.safetensors  `entities` [N, d], `relations` [R, d] and, of a customer graph, `popularity` [N]
entity_to_id.tsv     number and name of every entity, in the columns that PyKEEN names so: id, label
relation_to_id.tsv   the same of the relations
triples.tsv          head, relation, tail by name, as `TriplesFactory.from_path` reads them; absent where unknown
vectors.parquet      a row for every entity, with its label, id and d columns v0, v1, …

In names tabs, line ends and backslashes are escaped as in Python. An entity of the customer graph is named by label and
id, as in Customer/17.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from habitue.errors import HabitueError, NotFoundError

if TYPE_CHECKING:
    import pandas as pd
    from pykeen.models import TransE
    from pykeen.triples import TriplesFactory

    from embeddings.evaluation import Evaluation
    from embeddings.transe import Embedding

#: Version of the layout; another one is refused.
FORMAT: Final = "habitue embedding for pykeen 1"
MANIFEST, VECTORS, ENTITIES, RELATIONS, TRIPLES, FRAME = (
    "manifest.json", "vectors.safetensors", "entity_to_id.tsv", "relation_to_id.tsv", "triples.tsv", "vectors.parquet",
)  # fmt: skip

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Float32Array = npt.NDArray[np.float32]
Int64Array = npt.NDArray[np.int64]


def write_embedding(embedding: Embedding, directory: Path, triples: Int64Array | None = None) -> None:
    """Write the vectors of a customer graph into an empty directory.

    Args:
        embedding: The vectors.
        directory: Where to.
        triples: int64 [n, 3], what it was trained on, in the numbers of its vocabulary; None where that is not known.
    """
    frame = embedding.frame()
    names = [f"{label}/{identifier}" for label, identifier in frame.index]
    frame.insert(0, "popularity", embedding.popularity)
    manifest = {
        "as_of": embedding.as_of.isoformat(),
        "data_fingerprint": embedding.data_fingerprint,
        "settings": dataclasses.asdict(embedding.settings),
        "seed": embedding.seed,
        "metrics": dict(embedding.metrics),
    }
    vectors = {
        "entities": embedding.vectors, "relations": embedding.relation_vectors, "popularity": embedding.popularity
    }  # fmt: skip
    _write(directory, names, embedding.relations, vectors, frame.reset_index(), triples, manifest, inverses=False)


def write_evaluation(evaluation: Evaluation, directory: Path) -> None:
    """Write the vectors of a benchmark, with its training triples, into an empty directory."""
    import pandas as pd

    parts = evaluation.parts
    vectors = {"entities": evaluation.entity.numpy(), "relations": evaluation.relation.numpy()}
    frame = pd.DataFrame(vectors["entities"], columns=_columns(vectors["entities"]))
    frame.insert(0, "id", list(parts.entities))
    _write(
        directory, parts.entities, parts.relations, vectors, frame, parts.train.numpy(), evaluation.to_json(),
        inverses=True,
    )  # fmt: skip


def read_folder(directory: Path) -> tuple[TransE, TriplesFactory]:
    """The model of a folder and the factory of its triples, for PyKEEN's evaluators and prediction tools.

    The factory is without triples where the folder has none. A model of a benchmark has a relation for each direction:
    PyKEEN scores heads by the inverse ones.

    Raises:
        NotFoundError: If it is not such a folder.
        HabitueError: If it is of another format.
    """
    from pykeen.triples import TriplesFactory
    from safetensors.torch import load_file

    from embeddings.matrix_transe import pykeen_model

    missing = [name for name in (MANIFEST, VECTORS, ENTITIES, RELATIONS) if not (directory / name).is_file()]
    if missing:
        raise NotFoundError(
            f"{directory} holds no exported embedding: {', '.join(missing)} is missing.", hint="Export it again."
        )
    manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    if manifest.get("format") != FORMAT:
        raise HabitueError(f"{directory} has format {manifest.get('format')!r}, and {FORMAT!r} is read.")
    vectors = load_file(directory / VECTORS)
    entity_to_id, relation_to_id = (_read_names(directory / name) for name in (ENTITIES, RELATIONS))
    triples = np.empty((0, 3), np.int64)
    if (directory / TRIPLES).is_file():
        lines = (directory / TRIPLES).read_text(encoding="utf-8").split("\n")[:-1]
        triples = np.array(
            [(entity_to_id[head], relation_to_id[relation], entity_to_id[tail])
             for head, relation, tail in (line.split("\t") for line in lines)], np.int64,
        ).reshape(-1, 3)  # fmt: skip
    factory = TriplesFactory(
        triples, entity_to_id=entity_to_id, relation_to_id=relation_to_id, create_inverse_triples=False
    )
    return pykeen_model(vectors["entities"], vectors["relations"], inverses=manifest["inverses"]), factory


def _write(
    directory: Path,
    entities: Sequence[str],
    relations: Sequence[str],
    vectors: Mapping[str, Float32Array],
    frame: pd.DataFrame,
    triples: Int64Array | None,
    manifest: Mapping[str, Any],
    *,
    inverses: bool,
) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(each) for name, each in vectors.items()}, directory / VECTORS)
    entities, relations = ([name.translate(_ESCAPES) for name in names] for names in (entities, relations))
    for path, names in ((ENTITIES, entities), (RELATIONS, relations)):
        rows = [f"{number}\t{name}\n" for number, name in enumerate(names)]
        _write_text(directory / path, ["id\tlabel\n", *rows])
    if triples is not None:
        rows = [
            f"{entities[head]}\t{relations[relation]}\t{entities[tail]}\n" for head, relation, tail in triples.tolist()
        ]
        _write_text(directory / TRIPLES, rows)
    frame.to_parquet(directory / FRAME, index=False)
    about = {
        "format": FORMAT,
        "inverses": inverses,
        "dimension": vectors["entities"].shape[1],
        "entities": len(entities),
        "relations": relations,
        "triples": None if triples is None else len(triples),
        "training": manifest,
    }
    _write_text(directory / MANIFEST, [json.dumps(about, indent=2, ensure_ascii=False) + "\n"])


def _write_text(path: Path, lines: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)


def _read_names(path: Path) -> dict[str, int]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        next(stream)
        pairs = (line.removesuffix("\n").split("\t") for line in stream)
        return {name: int(number) for number, name in pairs}


def _columns(vectors: Float32Array) -> list[str]:
    return [f"v{number}" for number in range(vectors.shape[1])]
