"""Calendars: the sessions of every exchange that instruments trade on, kept as rows, and read from there by everybody else.

Computing them takes a second an exchange and a hundred megabytes, which beat and a few commands can afford; a worker reads rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from stockjobs.domain.market.coverage import as_served
from stockjobs.domain.market.exchanges import EXCHANGES, FOREIGN_EXCHANGE
from stockjobs.domain.market.exchanges import zone_of as zone_of_exchange
from stockjobs.domain.market.sessions import SessionsOf, Spans
from stockjobs.errors import NotFound
from stockjobs.markets import sessions as markets
from stockjobs.markets.exchanges import mic_of
from stockjobs.store.database import Connection, Database
from stockjobs.store.market import calendars, sessions
from stockjobs.store.market.calendars import StoredCalendar
from stockjobs.store.market.instruments import Instrument

FIRST_DAY = date(1990, 1, 1)
"""Before this no bars are expected: few sources go back further, and the calendars are less sure."""

COMPUTED_AGAIN_AFTER = timedelta(days=7)
"""How long a calendar is left alone that ends too early because no more is published yet."""

READ_AGAIN_AFTER_S = 3_600.0
LOOKED_FOR_AGAIN_AFTER_S = 60.0


def calendar_of(code: str) -> str | None:
    """The MIC, `24/7` or `24/5` by which an instrument trades, from its exchange as a provider writes it; None if unknown."""
    return mic_of(code) or (code if code in EXCHANGES else None)


class Calendars:
    """Keeps the sessions of the exchanges in use. Any number of processes may do so at once."""

    def __init__(
        self,
        database: Database,
        sessions_of: SessionsOf = markets.sessions,
        source_of: Callable[[str], str] = markets.source,
    ) -> None:
        self._database = database
        self._sessions_of = sessions_of
        self._source_of = source_of
        self.unable: dict[str, str] = {}

    def refresh(self) -> list[str]:
        """Write the sessions of exchanges that lack them, end too early, or were read from another version of their source.

        Returns the exchanges that were written; what cannot be computed is in `unable`, with the reason.
        """
        return list(self.steps())

    def steps(self) -> Iterator[str]:
        """The same, one exchange at a time."""
        with self._database.read() as connection:
            now = self._database.now(connection)
            known = calendars.stored(connection)
            used = {mic for code in calendars.codes(connection) if (mic := calendar_of(code))}
        for exchange in sorted(used):
            if self._is_stale(known.get(exchange), exchange, now) and self._write(exchange, now):
                yield exchange

    def _is_stale(self, known: StoredCalendar | None, exchange: str, now: datetime) -> bool:
        if known is None or known.source != self._source_of(exchange):
            return True
        return known.last_day < _last_day(now) and now - known.computed_at > COMPUTED_AGAIN_AFTER

    def _write(self, exchange: str, now: datetime) -> bool:
        try:
            # Outside of the transaction: it may take seconds.
            found = self._sessions_of(exchange, FIRST_DAY, _last_day(now))
            first, last = markets.covered(exchange, FIRST_DAY, _last_day(now))
        except NotFound as error:
            self.unable[exchange] = str(error)
            return False
        with self._database.begin() as connection:
            # First the calendar: whoever writes the same one at once waits for its row.
            calendars.put(connection, StoredCalendar(exchange, first, last, self._source_of(exchange), now))
            sessions.replace(connection, exchange, found)
        forget(self._database)
        return True


def _last_day(now: datetime) -> date:
    return date(now.year + 1, 12, 31)


@dataclass(frozen=True)
class _Kept:
    """What is known of an exchange in this process, until when (by the monotonic clock)."""

    spans: Spans | None
    first: float
    last: float
    until: float


_kept: WeakKeyDictionary[object, dict[str, _Kept]] = WeakKeyDictionary()
_keeping = Lock()


def forget(database: Database) -> None:
    """Read all sessions of a database again when they are needed next in this process."""
    with _keeping:
        _kept.pop(database.engine, None)


def spans_of(connection: Connection, exchange: str, start: datetime, end: datetime) -> Spans | None:
    """The sessions of an exchange (MIC, `24/7`, `24/5`) that start ≤ t < end touches, from the memory of this process.

    None where the stored calendars do not reach.
    """
    kept = _kept_of(connection, exchange)
    first, last = start.timestamp(), end.timestamp()
    if kept.spans is None or first < kept.first or last > kept.last:
        return None
    return kept.spans.between(first, last)


def traded(connection: Connection, code: str, zone: str, start: datetime, end: datetime) -> Spans | None:
    """The sessions in which bars of an instrument lie, from its exchange and zone as its provider writes them.

    None where nothing is known of them.
    """
    exchange = calendar_of(code)
    if exchange is None:
        return None
    if exchange != FOREIGN_EXCHANGE:
        return spans_of(connection, exchange, start, end)
    wide = spans_of(connection, exchange, start - timedelta(days=2), end + timedelta(days=2))
    served = as_served(wide, zone_named(zone, exchange)) if wide is not None else None
    return served.between(start.timestamp(), end.timestamp()) if served is not None else None


def zone_for(code: str, zone: str) -> ZoneInfo:
    """The zone in which an instrument's bars are dated, from its exchange and zone as its provider writes them."""
    return zone_named(zone, calendar_of(code))


def zone_of(instrument: Instrument) -> ZoneInfo:
    """The clock by which the days of an instrument are counted."""
    return zone_for(instrument.exchange, instrument.zone)


def zone_named(zone: str, exchange: str | None) -> ZoneInfo:
    """The same, from its exchange as a MIC, `24/7` or `24/5`."""
    if zone:
        return ZoneInfo(zone)
    return zone_of_exchange(exchange) if exchange else ZoneInfo("UTC")


def _kept_of(connection: Connection, exchange: str) -> _Kept:
    with _keeping:
        kept = _kept.setdefault(connection.engine, {}).get(exchange)
    if kept is None or kept.until < time.monotonic():
        kept = _read(connection, exchange)
        with _keeping:
            _kept.setdefault(connection.engine, {})[exchange] = kept
    return kept


def _read(connection: Connection, exchange: str) -> _Kept:
    stored = calendars.stored(connection).get(exchange)
    if stored is None:
        return _Kept(None, 0, 0, time.monotonic() + LOOKED_FOR_AGAIN_AFTER_S)
    first, last = (
        datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        for day in (stored.first_day, stored.last_day + timedelta(days=1))
    )
    spans = sessions.all_spans(connection, exchange)
    return _Kept(spans, first, last, time.monotonic() + READ_AGAIN_AFTER_S)
