"""Coverage: the bars that there should be against those that are stored, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.coverage import as_served, is_settled, slots
from stockjobs.domain.market.exchanges import FOREIGN_EXCHANGE
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import SessionsOf, Spans
from stockjobs.errors import NotFound
from stockjobs.markets.sessions import sessions
from stockjobs.services.collecting.standing import names_of
from stockjobs.services.market.calendars import calendar_of, spans_of, zone_named
from stockjobs.services.market.covered import Coverage, Wanted
from stockjobs.services.market.series_coverage import DAY, EARLIEST, Market, Task, covered
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions
from stockjobs.store.market import coverage, elsewhere
from stockjobs.store.market.coverage import Series
from stockjobs.store.market.elsewhere import Elsewhere

LimitsOf = Callable[[str, Interval], Limits]

_AT_ONCE = 200
_NAMED = 5


class CoverageService:
    """Compares what is stored with the sessions; changes nothing."""

    def __init__(self, database: Database, limits_of: LimitsOf, sessions_of: SessionsOf = sessions) -> None:
        self._database = database
        self._limits_of = limits_of
        self._sessions_of = sessions_of

    def wanted_of_job(self, job: str, interval: Interval | None = None) -> list[Wanted]:
        """The series of a job. Raises NotFound."""
        with self._database.read() as connection:
            spec = definitions.get(connection, job).spec
        intervals = [interval] if interval else spec.intervals
        return [Wanted(spec.provider, spec.symbols, one) for one in intervals]

    def look(self, wanted: Wanted) -> Iterator[Coverage]:
        """Each series that is meant, by the symbol that it bears now. Raises NotFound if nothing is stored of any of them."""
        with self._database.read() as connection:
            names = names_of(connection, wanted.provider, wanted.symbols)
            wanted = replace(wanted, symbols=tuple(names.values()))
            found = coverage.series(connection, wanted.provider, wanted.symbols, wanted.interval)
            now = self._database.now(connection)
            missing = sorted({*wanted.symbols} - {one.symbol for one in found})
            strange = elsewhere.elsewhere(connection, wanted.provider, missing)
            since = wanted.start or coverage.oldest(connection, wanted.interval, [one.instrument_id for one in found])
        if wanted.symbols and not found:
            raise NotFound("\n".join(map(str, strange[:_NAMED])))
        reach = self._limits_of(wanted.provider, wanted.interval).reach_back
        for start in range(0, len(found), _AT_ONCE):
            # A transaction for each part: a look at thousands of series must not hold on to one for minutes.
            with self._database.read() as connection:
                task = Task(connection, wanted, now, reach, self._markets(connection, wanted, since, now))
                part = covered(task, found[start : start + _AT_ONCE])
            yield from part
        yield from (_never(wanted, one) for one in strange)

    def _markets(
        self, connection: Connection, wanted: Wanted, since: datetime | None, now: datetime
    ) -> Callable[[str, str], Market | None]:
        @cache
        def market(code: str, zone: str) -> Market | None:
            exchange = calendar_of(code)
            if exchange is None:
                return None
            first = max(since or EARLIEST, EARLIEST) - DAY
            last = min(wanted.end or now, now)
            spans = spans_of(connection, exchange, first, last)
            if spans is None:
                spans = Spans.of(self._sessions_of(exchange, first.date(), last.date() + DAY))
            if exchange == FOREIGN_EXCHANGE:
                spans = as_served(spans, zone_named(zone, exchange))
            spans = spans.between(first.timestamp(), last.timestamp())
            return Market(spans, slots(spans, wanted.interval), is_settled(spans, now))

        return market


def _never(wanted: Wanted, one: Elsewhere) -> Coverage:
    note = f"never collected of {one.provider}; {one.hint}" if one.others else "never collected"
    return Coverage(Series(0, one.symbol, "", "", None), wanted.interval, note=note)
