"""The graph as GraphML, written as a stream.

A node's XML id is `Label:id`, an interaction's is `TYPE:id`; what an XML name token may not hold is written `_xHHHH_`
(its code in hexadecimal), an underscore before an `x` too, so that no two ids become one. The `id` in the data is the
plain one. Characters that XML cannot hold at all become U+FFFD in the data, and are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from graph.handover.parquet import ParquetGraph
from graph.store import Progress, no_progress

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
#: What XML 1.0 has no form for, not even an escaped one.
_ILLEGAL = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x{FFFE}\\x{FFFF}]"
_REPLACEMENT = "�"
_NEEDS_ESCAPE = "[^-.0-9:A-Z_a-z]|_x"
_ESCAPED = re.compile("[^-.0-9:A-Z_a-z]|_(?=x)")
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))


def write_graphml(graph: ParquetGraph, path: Path, progress: Progress = no_progress) -> int:
    """Write a GraphML file; the memory needed does not depend on the size of the graph.

    Args:
        graph: In a folder.
        path: The file.
        progress: Called with what is being written.

    Returns:
        How many characters XML cannot hold were replaced.
    """
    manifest = graph.manifest
    node_columns, edge_columns = (_columns(manifest[kind].values()) for kind in ("nodes", "relationships"))
    total, done = max(1, sum(graph.counts.values())), 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(_HEAD)
        nodes = _Keys(stream, "node", {"label": "string", **node_columns})
        edges = _Keys(stream, "edge", {"type": "string", **edge_columns})
        stream.write(f'<graph id={quoteattr(token(str(manifest["dataset"])))} edgedefault="directed">\n')
        for label, table in graph.nodes():
            nodes.write(f'<node id="{label}:', [_tokens(table["id"]), '">'], label, table, "</node>\n")
            progress("writing nodes", (done := done + len(table)) / total)
        for part in graph.relationships():
            table = part.table
            ends = [f'source="{part.source}:', _tokens(table["source"]), f'" target="{part.target}:',
                    _tokens(table["target"]), '">']  # fmt: skip
            own = [f'id="{part.type}:', _tokens(table["id"]), '" '] if "id" in table.column_names else []
            edges.write("<edge ", [*own, *ends], part.type, table.drop_columns(["source", "target"]), "</edge>\n")
            progress("writing relationships", (done := done + len(table)) / total)
        stream.write("</graph>\n</graphml>\n")
    return nodes.replaced + edges.replaced


def token(text: str) -> str:
    """A text as an XML name token, one to one."""

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"_x{code:04X}_" if code <= 0xFFFF else f"_x{code:08X}_"

    return _ESCAPED.sub(escape, text)


class _Keys:
    """The declared attributes of nodes or edges, and rows written with them."""

    def __init__(self, stream: TextIO, kind: str, columns: dict[str, str]) -> None:
        self._stream = stream
        self._keys = {name: f"{kind}_{name}" for name in columns}
        self.replaced = 0
        for name, type_ in columns.items():
            stream.write(f'<key id="{self._keys[name]}" for="{kind}" attr.name="{name}" attr.type="{type_}"/>\n')

    def write(self, begin: str, head: list[str | pa.Array], name: str, table: pa.Table, end: str) -> None:
        """Write an element for each row: its opening tag, its label or type, the values that are not null."""
        first = next(iter(self._keys.values()))
        parts: list[str | pa.Array] = [begin, *head, f'<data key="{first}">{name}</data>']
        for column in table.column_names:
            values = table[column].combine_chunks()
            if values.null_count == len(values):
                continue
            element = _join(f'<data key="{self._keys[column]}">', self._text(values), "</data>")
            parts.append(pc.fill_null(element, ""))
        self._stream.write("".join(_join(*parts, end).to_pylist()))

    def _text(self, values: pa.Array) -> pa.Array:
        if pa.types.is_timestamp(values.type):
            return pc.strftime(values, "%Y-%m-%dT%H:%M:%S")
        if not pa.types.is_string(values.type):
            return values.cast(pa.string())
        illegal = pc.sum(pc.count_substring_regex(values, _ILLEGAL)).as_py() or 0
        if illegal:
            self.replaced += illegal
            values = pc.replace_substring_regex(values, _ILLEGAL, _REPLACEMENT)
        for character, escape in _ESCAPES:
            values = pc.replace_substring(values, character, escape)
        return values


def _columns(kinds: Iterable[dict[str, dict[str, str]]]) -> dict[str, str]:
    """Attributes with their GraphML type, over all labels or all types; the ends of edges are none."""
    names = {"double": "double", "int64": "long", "bool": "boolean"}
    found = {column: names.get(type_, "string") for each in kinds for column, type_ in each["columns"].items()}
    return {column: type_ for column, type_ in found.items() if column not in ("source", "target")}


def _tokens(ids: pa.ChunkedArray) -> pa.Array:
    values = ids.combine_chunks()
    needing = pc.match_substring_regex(values, _NEEDS_ESCAPE)
    if not pc.any(needing).as_py():
        return values
    places = pc.indices_nonzero(needing)
    escaped = pa.array([token(text) for text in values.take(places).to_pylist()], pa.string())
    return pc.replace_with_mask(values, needing, escaped)


def _join(*parts: str | pa.Array) -> pa.Array:
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")
