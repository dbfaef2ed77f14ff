"""What is missing of many symbols in a window, read from what is stored in a few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np

from stockjobs.domain.asking.missing import (
    AllOf,
    Expected,
    Extent,
    KnownGap,
    Missing,
    all_of,
    by_bars,
    by_extent,
    expected,
)
from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds
from stockjobs.services.market.calendars import traded, zone_for
from stockjobs.store.database import Connection
from stockjobs.store.market import extents, gaps
from stockjobs.store.market.extents import Listed
from stockjobs.store.market.gaps import Gap

LOOKED_INTO = 500
"""Of so many series with holes the bars are looked at one by one; the others count as missing altogether until their tasks
look, each at its own few, when they run."""

_A_DAY = timedelta(days=1)
_AT_ONCE = 50
NO_BARS: Seconds = np.empty(0, dtype=np.int64)

Found = Missing | AllOf


@dataclass(frozen=True)
class Sought:
    """What is wanted of a provider: bars of an interval in a window, looked for at an instant."""

    provider: str
    interval: Interval
    window: Window
    now: datetime


def missing_of(connection: Connection, sought: Sought, symbols: Sequence[str]) -> dict[str, Found]:
    """What each of these symbols lacks in a window, apart from what its source is known not to have.

    All of the window where nothing is known of an instrument, or of when its exchange trades.
    """
    listed = extents.listed(connection, sought.provider, symbols)
    calendars = _calendars(connection, listed, sought)
    stored = _stored(connection, listed, calendars, sought)
    known = _known_gaps(connection, [one.id for one in listed.values()], sought)
    found: dict[str, Found | None] = {symbol: AllOf(sought.window) for symbol in symbols}
    for symbol, one in listed.items():
        of = calendars[one.exchange, one.zone]
        if of is not None:
            found[symbol] = by_extent(
                of, _extent(stored.get(one.id), sought.interval), known.get(one.id, ()), one.first_trade_at
            )
    unclear = {symbol: listed[symbol] for symbol, one in found.items() if one is None}
    looked = _looked_into(connection, unclear, calendars, known, sought.window)
    return {symbol: one or looked[symbol] for symbol, one in found.items()}


def _extent(stored: Extent | None, interval: Interval) -> Extent | None:
    # The bar of a week or a month is unfinished most of the time, and no reason to ask for it each night.
    is_long = interval.seconds > Interval.D1.seconds
    return replace(stored, is_last_provisional=False) if stored and is_long else stored


Calendars = Mapping[tuple[str, str], Expected | None]


def _calendars(connection: Connection, listed: Mapping[str, Listed], sought: Sought) -> Calendars:
    window, now = sought.window, sought.now

    @cache
    def of(exchange: str, zone: str) -> Expected | None:
        spans = traded(connection, exchange, zone, window.start, max(window.start, min(window.end, now)))
        return None if spans is None else expected(spans, sought.interval, zone_for(exchange, zone), window, now)

    return {(one.exchange, one.zone): of(one.exchange, one.zone) for one in listed.values()}


def _stored(
    connection: Connection, listed: Mapping[str, Listed], calendars: Calendars, sought: Sought
) -> dict[int, Extent]:
    """How much is stored, in one statement for all whose days begin at the same time."""
    alike: dict[int, list[int]] = {}
    for one in listed.values():
        of = calendars[one.exchange, one.zone]
        if of is not None:
            alike.setdefault(of.ahead, []).append(one.id)
    found: dict[int, Extent] = {}
    for ahead, ids in alike.items():
        found |= extents.extents(connection, ids, sought.interval, sought.window, ahead=ahead)
    return found


def _known_gaps(connection: Connection, instruments: Sequence[int], sought: Sought) -> dict[int, Sequence[KnownGap]]:
    """What the source does not have, and is not asked for again yet."""
    if not instruments:
        return {}
    first, last = sought.window.start.date() - _A_DAY, sought.window.end.date() + _A_DAY
    found: Mapping[int, Mapping[date, Gap]] = gaps.of_instruments(connection, instruments, sought.interval, first, last)
    return {
        instrument: [KnownGap(day, gap.missing) for day, gap in days.items() if not gap.is_due(sought.now)]
        for instrument, days in found.items()
    }


def _looked_into(
    connection: Connection,
    unclear: Mapping[str, Listed],
    calendars: Calendars,
    known: Mapping[int, Sequence[KnownGap]],
    window: Window,
) -> dict[str, Missing]:
    found: dict[str, Missing] = {}
    symbols = list(unclear)
    for start in range(0, len(symbols), _AT_ONCE):
        batch = {symbol: unclear[symbol] for symbol in symbols[start : start + _AT_ONCE]}
        of = {symbol: calendars[one.exchange, one.zone] for symbol, one in batch.items()}
        if start >= LOOKED_INTO:
            found |= {symbol: all_of(one) for symbol, one in of.items() if one is not None}
            continue
        interval = next(one.interval for one in of.values() if one is not None)
        bars = extents.settled(connection, [one.id for one in batch.values()], interval, window)
        found |= {
            symbol: by_bars(
                one, bars.get(batch[symbol].id, NO_BARS), known.get(batch[symbol].id, ()), batch[symbol].first_trade_at
            )
            for symbol, one in of.items()
            if one is not None
        }
    return found
