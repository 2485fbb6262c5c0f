"""Numbers as text: the minus sign, thousands, units, intervals; a missing number is an en dash."""

from __future__ import annotations

import math

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
#: Keeps a number and its unit on one line.
SPACE = "\N{NO-BREAK SPACE}"


def number(value: float | None, decimals: int = 0, *, signed: bool = False) -> str:
    """A number with thousands separators; `signed` writes the plus too. NaN, infinity and None are missing."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    if value < 0 and not is_zero:
        return MINUS + text
    return f"+{text}" if signed and not is_zero else text


def percent(share: float | None, decimals: int = 0) -> str:
    """A share in [0, 1] as per cent."""
    text = number(None if share is None else 100 * share, decimals)
    return text if text == MISSING else f"{text}{SPACE}%"


def money(value: float | None, currency: str, decimals: int = 0) -> str:
    """An amount with its currency code after it, when there is one."""
    text = number(value, decimals)
    return text if text == MISSING or not currency else f"{text}{SPACE}{currency}"


def interval(low: float | None, high: float | None, decimals: int, *, signed: bool = False) -> str:
    """An interval in brackets; missing when either end is."""
    ends = [number(end, decimals, signed=signed) for end in (low, high)]
    return MISSING if MISSING in ends else f"[{ends[0]}, {ends[1]}]"


def duration(seconds: float) -> str:
    """A duration in seconds below two minutes, in minutes above."""
    return f"{number(seconds, 1)}{SPACE}s" if seconds < 120 else f"{number(seconds / 60, 1)}{SPACE}min"
