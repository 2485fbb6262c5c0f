"""Values as JSON can hold them: times in ISO 8601 with Z, numbers that are not finite as null."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any


def iso_time(moment: datetime) -> str:
    """A time as ISO 8601 with Z; one without a zone is in UTC, as all times of the graph are."""
    utc = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return f"{utc.isoformat()}Z"


def json_value(value: Any) -> Any:
    """A value of the graph, or a structure of them, as JSON can hold it.

    Durations become seconds, bytes base64, keys text; whatever else is unknown to JSON becomes its text.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(each) for each in value]
    return str(value)
