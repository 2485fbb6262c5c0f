"""Neo4j's values as plain Python, the same as the embedded store gives."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from neo4j import graph, spatial, time

#: Which loads wrote a node is the store's own business; interactions show theirs.
_HIDDEN = frozenset({"load", "last_load"})


#: Most values: they are as they should be, and asking what else they might be would cost more than all the rest.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain_row(row: Iterable[Any]) -> tuple[Any, ...]:
    """A row of plain values."""
    return tuple([value if type(value) in _PLAIN else plain(value) for value in row])


def plain(value: Any) -> Any:
    """Nodes and relationships as dictionaries with `_label` or `_type`, times as naive UTC, all else as it is."""
    if type(value) is time.DateTime:  # the most frequent
        return _plain_time(value)
    if isinstance(value, graph.Node):
        label = next(iter(value.labels), "")
        return {"_label": label, **{key: plain(each) for key, each in value.items() if not _is_hidden(label, key)}}
    if isinstance(value, graph.Relationship):
        return {"_type": value.type, **{key: plain(each) for key, each in value.items()}}
    if isinstance(value, graph.Path):
        return {"_NODES": [plain(node) for node in value.nodes], "_RELS": [plain(each) for each in value.relationships]}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return _plain_time(value)


def _is_hidden(label: str, key: str) -> bool:
    return key in _HIDDEN and label != "Load"


def _plain_time(value: Any) -> Any:
    if isinstance(value, time.DateTime):
        native = value.to_native()
        return native.astimezone(UTC).replace(tzinfo=None) if native.tzinfo else native
    if isinstance(value, time.Date | time.Time):
        return value.to_native()
    if isinstance(value, time.Duration):
        whole = timedelta(days=value.days, seconds=value.seconds, microseconds=value.nanoseconds // 1000)
        return value.iso_format() if value.months else whole
    return list(value) if isinstance(value, spatial.Point) else value
