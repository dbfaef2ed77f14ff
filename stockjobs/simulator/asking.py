"""What a chart request asks for: the interval and the window, within the limits that Yahoo sets per interval."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from stockjobs.simulator.extended import BEFORE, has_extended_hours
from stockjobs.simulator.history import History
from stockjobs.simulator.minutes import MINUTE
from stockjobs.simulator.replies import Query, Refused

DAY = 86_400


@dataclass(frozen=True)
class Grain:
    """One interval of charts: minutes a bar (0 from a day on), days kept, days served at once (0: no limit)."""

    name: str
    minutes: int = 0
    kept_days: int = 0
    most_days: int = 0

    @property
    def is_intraday(self) -> bool:
        """True for everything shorter than a day."""
        return self.minutes > 0


_GRAINS = {
    grain.name: grain
    for grain in (
        Grain("1m", 1, kept_days=30, most_days=8),
        Grain("2m", 2, kept_days=60),
        Grain("5m", 5, kept_days=60),
        Grain("15m", 15, kept_days=60),
        Grain("30m", 30, kept_days=60),
        Grain("60m", 60, kept_days=730),
        Grain("90m", 90, kept_days=60),
        Grain("1h", 60, kept_days=730),
        Grain("1d"),
        Grain("5d"),
        Grain("1wk"),
        Grain("1mo"),
        Grain("3mo"),
    )
}
_USUAL_GRAINS = {"1d": "1m", "5d": "5m", "max": "1mo"}
RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")


@dataclass(frozen=True)
class Ask:
    """A chart request, understood: bars with start ≤ opened < end, in epoch seconds."""

    grain: Grain
    start: float
    end: float
    range: str = ""
    extended: bool = False
    events: frozenset[str] = frozenset()


def read_ask(query: Query, history: History, now: float) -> Ask:
    """The window that a request means. Raises `Refused` with Yahoo's words for one that Yahoo would not serve."""
    wanted_range = query.get("range") if not query.get("period1") else ""
    extended = query.get("includePrePost").lower() in ("true", "1")
    grain = _grain(query.get("interval") or _USUAL_GRAINS.get(wanted_range, "1d"))
    if query.get("period1"):
        start, end = _instant(query, "period1", 0), _instant(query, "period2", int(now))
    else:
        early = BEFORE * MINUTE if extended and has_extended_hours(history) else 0
        start, end = _start_of(wanted_range or "1d", history, now) - early, now + 1
    if start > end or (start == end and query.get("period1")):
        _bad(f"Invalid input - start date cannot be after end date. startDate = {start:.0f}, endDate = {end:.0f}")
    said = _days_of(wanted_range)
    _check_limits(grain, start, end, age=said or (now - start) / DAY, span=said or (min(end, now) - start) / DAY)
    if end <= history.days.open[0] or start > now:
        _bad(f"Data doesn't exist for startDate = {start:.0f}, endDate = {end:.0f}")
    return Ask(grain, start, min(end, now + 1), wanted_range, extended, _events(query.get("events")))


def _grain(name: str) -> Grain:
    grain = _GRAINS.get(name)
    if grain is None:
        known = ", ".join(_GRAINS)
        text = f"Invalid input - interval={name[:20]} is not supported. Valid intervals: [{known}]"
        raise Refused(422, "Unprocessable Entity", text)
    return grain


def _instant(query: Query, name: str, default: int) -> float:
    text = query.get(name)
    if not text:
        return default
    if not re.fullmatch(r"-?\d{1,15}(\.\d+)?", text):
        _bad(f"Invalid input - {name}={text[:40]} is not a timestamp")
    return float(text)


def _events(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in re.split(r"[,|]", text) if part.strip())


def _bad(description: str) -> NoReturn:
    raise Refused(400, "Bad Request", description)


_SPAN = re.compile(r"(\d{1,4})(d|wk|mo|y)")


def _start_of(text: str, history: History, now: float) -> float:
    """The start of a range that ends now: the n-th last session, or midnight so many weeks, months or years ago."""
    zone = ZoneInfo(history.listing.venue.zone)
    today = datetime.combine(datetime.fromtimestamp(now, zone), time(), zone)
    if text == "max":
        return float(history.days.open[0])
    if text == "ytd":
        return today.replace(month=1, day=1).timestamp()
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Refused(422, "Unprocessable Entity", f"Invalid input - range={text[:20]} is not supported")
    count, unit = int(match[1]), match[2]
    if unit == "d":
        return float(history.days.open[max(history.days.started(now) - max(count, 1), 0)])
    if unit == "wk":
        return (today - timedelta(weeks=count)).timestamp()
    months = today.year * 12 + today.month - 1 - (count if unit == "mo" else 12 * count)
    year, month = max(months // 12, 1), months % 12 + 1
    return today.replace(year=year, month=month, day=min(today.day, 28)).timestamp()


def _days_of(text: str) -> int:
    """The days that a range such as `60d` is said to span, by which Yahoo judges it; 0 for those without a number."""
    match = _SPAN.fullmatch(text)
    return int(match[1]) * {"d": 1, "wk": 7, "mo": 30, "y": 365}[match[2]] if match else 0


def _check_limits(grain: Grain, start: float, end: float, *, age: float, span: float) -> None:
    """`age` is how far back the window begins, `span` how long it is, both in days."""
    limit = ""
    if grain.most_days and span > grain.most_days:
        days = f"{grain.most_days} days worth of {grain.name}"
        limit = f"Only {days} granularity data are allowed to be fetched per request."
    elif grain.kept_days and age > grain.kept_days:
        limit = f"The requested range must be within the last {grain.kept_days} days."
    if limit:
        text = f"{grain.name} data not available for startTime={start:.0f} and endTime={end:.0f}. {limit}"
        raise Refused(422, "Unprocessable Entity", text)
