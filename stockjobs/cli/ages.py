"""How times are shown to people: as ages such as 5m or 3d, or as moments in their zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_STEPS = (
    # below this: in units of so many seconds, with the next smaller unit beside it
    (timedelta(minutes=2), ((1, "s"),)),
    (timedelta(minutes=10), ((60, "m"), (1, "s"))),
    (timedelta(hours=3), ((60, "m"),)),
    (timedelta(hours=8), ((3_600, "h"), (60, "m"))),
    (timedelta(hours=48), ((3_600, "h"),)),
    (timedelta(days=8), ((86_400, "d"), (3_600, "h"))),
    (timedelta.max, ((86_400, "d"),)),
)


def span(length: timedelta) -> str:
    """A length of time in at most two units: 45s, 5m30s, 3h, 2d4h, 400d; whole hours and days as such: 2h, 1d."""
    seconds = max(int(length.total_seconds()), 0)
    for size, letter in ((86_400, "d"), (3_600, "h")):
        if seconds and length.total_seconds() % size == 0:
            return f"{seconds // size}{letter}"
    units = next(units for bound, units in _STEPS if length < bound)
    parts: list[str] = []
    for size, letter in units:
        amount, seconds = divmod(seconds, size)
        if amount or not parts:
            parts.append(f"{amount}{letter}")
    return "".join(parts)


def age(at: datetime | None, now: datetime) -> str | None:
    """How long ago an instant was; for one to come, how long it takes until then."""
    return None if at is None else span(abs(now - at))


def moment(at: datetime, zone: str) -> str:
    """An instant to the second in a zone, with its offset; UTC's is Z."""
    shown = at.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="seconds")
    return shown.replace("+00:00", "Z") if zone == "UTC" else shown
