"""How the rows of a large load are laid out, so that COPY takes less memory and time.

COPY holds all its rows twice, once by each end of the relationship, and then builds each node group (131,072 nodes in a
row) as a whole. Products fit into one group, which would then be all of the second half: a large load spreads them
over several, by nodes in between that are deleted before anything is published. Columns that say the same throughout
are left out, and added afterwards by their default. (Several COPYs one after the other save little: what comes later
waits in memory until it is merged with what is there, which costs as much time as the COPY itself.)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.model import INTERACTIONS, STORED_INTERACTION_SCHEMA, interaction_target

_NODE_GROUP = 131_072
_ROWS_IN_GROUP = 1_000_000  # of relationships, about: several are built at once, on as many cores
_MOST_GROUPS = 16  # each makes reading all products slower by a millisecond
_LARGE = 200_000  # rows from which on adding columns afterwards is faster

#: What a column is filled with afterwards; None for null.
Constants = Mapping[str, int | None]


@dataclass(frozen=True)
class Spread:
    """Nodes with others between them.

    Attributes:
        nodes: With the columns that they came with; the others have an id only.
        prefix: With which the ids of the others begin; it is new each time, so that no id of a user does.
    """

    nodes: pa.Table
    prefix: str


def node_groups(files: Mapping[str, Sequence[Path]]) -> dict[str, int]:
    """Over how many node groups `Product` and `Campaign` nodes are best spread.

    Args:
        files: Interactions by type, as Parquet.
    """
    rows = dict.fromkeys(map(interaction_target, INTERACTIONS), 0)
    for name, paths in files.items():
        rows[interaction_target(name)] = max(rows[interaction_target(name)], sum(map(rows_of, paths)))
    return {label: min(_MOST_GROUPS, max(1, round(number / _ROWS_IN_GROUP))) for label, number in rows.items()}


def spread(nodes: pa.Table, groups: int) -> Spread | None:
    """Deal nodes out to node groups, and fill each but the last with others; None where they need none.

    What looks at all nodes by number pays for the others, too: there are no more of them than must be.
    """
    each = -(-len(nodes) // groups)
    if groups == 1 or not len(nodes) or 2 * each > _NODE_GROUP:
        return None
    prefix = f"{secrets.token_hex(16)}-"
    dealt = [np.arange(first, len(nodes), groups) for first in range(groups)]
    room = [_NODE_GROUP - len(own) for own in dealt[:-1]]
    numbers = pa.array(np.arange(sum(room))).cast(pa.string())
    others = pa.table({"id": pc.binary_join_element_wise(prefix, numbers, "")})
    both = pa.concat_tables([nodes, others], promote_options="default")
    fillers = np.split(np.arange(len(nodes), len(both)), np.cumsum(room))
    order = np.concatenate([part for pair in zip(dealt, fillers, strict=True) for part in pair])
    return Spread(both.take(pa.array(order)), prefix)


def constants(files: Sequence[Path]) -> dict[str, int | None]:
    """Columns of interactions that are null throughout, and the load where there is one only; from statistics."""
    metadata = [pq.read_metadata(path) for path in files]
    if sum(each.num_rows for each in metadata) < _LARGE:
        return {}
    found: dict[str, int | None] = {}
    for name in STORED_INTERACTION_SCHEMA.names[2:]:
        place = metadata[0].schema.names.index(name)
        chunks = [each.row_group(group).column(place) for each in metadata for group in range(each.num_row_groups)]
        said = [chunk.statistics for chunk in chunks]
        if any(each is None or not each.has_null_count for each in said):
            continue
        if all(each.null_count == chunk.num_values for each, chunk in zip(said, chunks, strict=True)):
            found[name] = None
        elif name == "load" and not any(each.null_count for each in said):
            values = {value for each in said for value in (each.min, each.max)}
            if len(values) == 1:
                found[name] = int(values.pop())
    return found


def without_columns(statement: str, left_out: Constants) -> tuple[str, list[str]]:
    """A statement that makes a table, without columns, and their declarations as `ALTER TABLE … ADD` takes them."""
    declarations = []
    for name, value in left_out.items():
        found = re.search(rf", ({name} [A-Z0-9]+)", statement)
        if found is None:
            raise ValueError(f"The statement declares no column {name}.")
        statement = statement.replace(found[0], "", 1)
        declarations.append(found[1] if value is None else f"{found[1]} DEFAULT {value}")
    return statement, declarations


def rows_of(path: Path) -> int:
    """How many rows a Parquet file has."""
    return int(pq.read_metadata(path).num_rows)
