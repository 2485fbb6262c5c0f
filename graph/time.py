"""Instants: naive UTC datetimes at the edges, whole epoch milliseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MILLISECONDS_PER_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1)


def to_epoch_ms(instant: datetime) -> int:
    """Epoch milliseconds of an instant; an aware one is converted to UTC first, a naive one is taken as UTC."""
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC).replace(tzinfo=None)
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The naive UTC datetime of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def midnight_after(milliseconds: int) -> datetime:
    """The first midnight strictly after an instant given in epoch milliseconds."""
    return _EPOCH + timedelta(days=milliseconds // MILLISECONDS_PER_DAY + 1)


def latest_ms() -> int:
    """The latest instant that an event can be of, in epoch milliseconds: a day from now, for clocks and time zones."""
    return to_epoch_ms(utc_now()) + MILLISECONDS_PER_DAY


def utc_now() -> datetime:
    """The present instant as naive UTC, to the millisecond."""
    return from_epoch_ms(to_epoch_ms(datetime.now(UTC)))
