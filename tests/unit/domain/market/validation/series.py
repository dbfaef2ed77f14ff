"""Series of bars as markets make them, for rules to judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.domain.market.bars import Bars, CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.domain.market.validation import Checked, Context, Tail, validate
from stockjobs.markets.sessions import sessions

NOW = datetime(2026, 3, 4, 22, tzinfo=UTC)
NEW_YORK, LONDON, TOKYO, TEL_AVIV = (
    ZoneInfo(name) for name in ("America/New_York", "Europe/London", "Asia/Tokyo", "Asia/Jerusalem")
)
PRICES = ("open", "high", "low", "close")


def bars_at(at: list[int], close: list[float] | None = None, volume: int = 1_000) -> Bars:
    """Bars at some times, with a calm price unless closes are given."""
    count = len(at)
    closes = np.array(close, dtype=np.float64) if close else 100 + np.sin(np.arange(count))
    opened = closes * 1.001
    high, low = np.maximum(opened, closes) * 1.002, np.minimum(opened, closes) * 0.998
    times = np.array(at, dtype=np.int64)
    return Bars(times, opened, high, low, closes, np.full(count, volume), np.zeros(count, dtype=np.bool_))


def spans(mic: str, first: date, last: date) -> Spans:
    """The sessions of an exchange, with a few days to both sides."""
    return Spans.of(sessions(mic, first - timedelta(days=3), last + timedelta(days=3)))


def opens(found: Spans, interval: Interval) -> list[int]:
    """The times of the bars of some sessions: each step from the open, or one a session."""
    step = interval.seconds
    if not interval.is_intraday:
        return [int(at) for at in found.open]
    return [
        at
        for start, end, pause, resume in zip(found.open, found.close, found.break_start, found.break_end, strict=True)
        for part in ((start, pause), (resume, end))
        for at in range(int(part[0]), int(part[1]), step)
    ]


def times_off(bars: Bars, factor: float, which: slice | list[int], columns: tuple[str, ...] = PRICES) -> Bars:
    """The bars with some prices of some of them multiplied."""
    spoiled = {name: getattr(bars, name).copy() for name in columns}
    for column in spoiled.values():
        column[which] *= factor
    return replace(bars, **spoiled)


def split(at: int, ratio: float) -> CorporateAction:
    """A split whose ex-day opens at a time."""
    return CorporateAction("split", datetime.fromtimestamp(at, UTC), ratio)


def tail(bars: Bars, length: int = 5) -> Tail:
    """The last of some bars, as what is stored before an answer."""
    return Tail(bars.at[-length:], bars.close[-length:])


def held(bars: Bars, context: Context) -> dict[str, list[int]]:
    """The places of the bars that are set aside, by rule."""
    place = {int(at): index for index, at in enumerate(bars.at)}
    found: dict[str, list[int]] = {}
    for one in validate(bars, context).rejected:
        found.setdefault(one.rule, []).append(place[one.at])
    return {rule: sorted(places) for rule, places in found.items()}


def noted(checked: Checked) -> Counter[str]:
    """How much is noted, by rule."""
    return Counter(one.rule for one in checked.noted)
