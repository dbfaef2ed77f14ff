"""Filling: bars that are stored after all, though no answer brings them, close the gaps and the findings of their days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.coverage import filled, is_missing, slots
from stockjobs.domain.market.days import days_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans
from stockjobs.services.market.calendars import traded, zone_for
from stockjobs.store.database import Connection
from stockjobs.store.market import coverage, gaps, instruments, trading_days

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Filling:
    """A series into which bars were put, by the transaction that did it, and when."""

    connection: Connection
    instrument_id: int
    interval: Interval
    now: datetime

    def settle(self, at: Seconds) -> None:
        """Bring the gaps of the days of some bars (epoch seconds, oldest first) to what is still missing, and let nobody be
        told any more that nothing came of them.
        """
        if not len(at):
            return
        exchange, zone_name = instruments.markets(self.connection, [self.instrument_id])[self.instrument_id]
        zone = zone_for(exchange, zone_name)
        first, last = (datetime.fromtimestamp(int(one), UTC) for one in (at[0], at[-1]))
        spans = traded(self.connection, exchange, zone_name, first - _DAY, last + _DAY)
        days = np.unique(days_of(at, self.interval, zone))
        if spans is None or self.interval.seconds > Interval.D1.seconds:
            gaps.clear(self.connection, self.instrument_id, self.interval, days.tolist())
            return
        met = spans.at(np.isin(spans.day, days) | _has_any(spans, at))
        if len(met):
            self._recount(met, filled(self._stored(met), met, self.interval, zone))

    def _stored(self, spans: Spans) -> Seconds:
        start, end = (datetime.fromtimestamp(int(at), UTC) for at in (spans.open[0], spans.close[-1]))
        return coverage.times(self.connection, self.instrument_id, self.interval, start - _DAY, end)

    def _recount(self, spans: Spans, stored: Seconds) -> None:
        expected = slots(spans, self.interval)
        lacks = is_missing(expected, stored)
        missing = np.bincount(expected.session[lacks], minlength=len(spans))
        gaps.recount(
            self.connection,
            self.instrument_id,
            self.interval,
            dict(zip(spans.day.tolist(), missing.tolist(), strict=True)),
        )
        has_rows = missing < np.bincount(expected.session, minlength=len(spans))
        opens = [datetime.fromtimestamp(one, UTC) for one in spans.open[has_rows].tolist()]
        trading_days.mend(self.connection, self.instrument_id, self.interval, opens, self.now)


def _has_any(spans: Spans, at: Seconds) -> NDArray[np.bool_]:
    """The sessions within which one of the bars opens."""
    first, end = np.searchsorted(at, spans.open), np.searchsorted(at, spans.close)
    return np.asarray(first < end)
