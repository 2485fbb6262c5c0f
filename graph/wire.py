"""How a statement travels to the process that runs it and its answer back: frames of JSON, which runs no code.

A frame is a letter, the length of its payload in four bytes, and the payload. Values that JSON lacks are written as a
map from the character 0 to a list of kind and value; so are maps whose keys JSON could not hold.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

#: Letter and length before each payload.
HEADER = struct.Struct(">cI")

READY, COLUMNS, ROWS, END, ERROR, STATEMENT = b"R", b"C", b"D", b"E", b"X", b"S"

_MARK = "\x00"
_READ: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": base64.b64decode,
    "map": lambda pairs: {from_wire(key): from_wire(value) for key, value in pairs},
}


def frame(kind: bytes, payload: bytes) -> bytes:
    """A frame as it is written."""
    return HEADER.pack(kind, len(payload)) + payload


def dump(value: Any) -> bytes:
    """A value as the payload of a frame."""
    return json.dumps(to_wire(value), separators=(",", ":")).encode("ascii")


def load(payload: bytes) -> Any:
    """The value of a payload."""
    return from_wire(json.loads(payload))


def to_wire(value: Any) -> Any:
    """A value of the graph as JSON can hold it; what is of no known kind becomes its text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key != _MARK for key in value):
            return {key: to_wire(each) for key, each in value.items()}
        return {_MARK: ["map", [[to_wire(key), to_wire(each)] for key, each in value.items()]]}
    if isinstance(value, list | tuple):
        return [to_wire(each) for each in value]
    if isinstance(value, datetime):
        return {_MARK: ["datetime", value.isoformat()]}
    if isinstance(value, date):
        return {_MARK: ["date", value.isoformat()]}
    if isinstance(value, time):
        return {_MARK: ["time", value.isoformat()]}
    if isinstance(value, timedelta):
        return {_MARK: ["timedelta", [value.days, value.seconds, value.microseconds]]}
    if isinstance(value, Decimal):
        return {_MARK: ["decimal", str(value)]}
    if isinstance(value, UUID):
        return {_MARK: ["uuid", str(value)]}
    if isinstance(value, bytes | bytearray):
        return {_MARK: ["bytes", base64.b64encode(value).decode("ascii")]}
    return str(value)


def from_wire(value: Any) -> Any:
    """The value that `to_wire` was given."""
    if isinstance(value, list):
        return [from_wire(each) for each in value]
    if isinstance(value, dict):
        if _MARK in value:
            kind, content = value[_MARK]
            return _READ[kind](content)
        return {key: from_wire(each) for key, each in value.items()}
    return value
