"""What an incremental run asks for: what can be new, symbol by symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.novelty import LOOK_AHEAD, Newest, idle_until
from stockjobs.domain.asking.planning import OVERLAP_BARS, Skip, Window, first_window, since_newest
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.calendars import traded
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import instruments, positions
from stockjobs.store.market.instruments import Instrument

_A_DAY = timedelta(days=1)


def new_of(
    connection: Connection, claim: Claim, symbols: Sequence[str], limits: Limits, now: datetime
) -> dict[str, Window | Skip]:
    """For each symbol what to ask for, or why there is nothing to ask: its market has been closed since the newest bar."""
    interval = claim.interval or Interval.D1
    known = instruments.by_symbol(connection, claim.spec.provider, symbols)
    which = [one.id for one in known.values()]
    newest = positions.newest(connection, which, interval, OVERLAP_BARS)
    found: dict[str, Window | Skip] = {}
    for symbol in symbols:
        instrument = known.get(symbol)
        at = newest.get(instrument.id) if instrument else None
        if instrument is None or at is None:
            found[symbol] = first_window(interval, claim.spec.window.length(), now)
            continue
        if at.unclear_at is not None:
            # They are told by comparing: all of them come again with what is new.
            again = replace(at, overlap_at=min(at.unclear_at, at.overlap_at or at.at))
            found[symbol] = since_newest(again, interval, limits, now)
            continue
        idle = _idle(connection, instrument, at, interval, now)
        found[symbol] = idle or since_newest(at, interval, limits, now)
    return found


def _idle(
    connection: Connection, instrument: Instrument, newest: Newest, interval: Interval, now: datetime
) -> Skip | None:
    spans = traded(connection, instrument.exchange, instrument.zone, newest.at - _A_DAY, now + LOOK_AHEAD)
    if spans is None or not instrument.zone:
        # Without a calendar only the source knows.
        return None
    until = idle_until(newest, interval, instrument.zone, spans, now)
    return Skip(f"nothing can be new before {until:%Y-%m-%d %H:%M} UTC") if until else None
