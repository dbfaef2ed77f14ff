"""What an attempt asks the provider for, symbol by symbol: decided before the first request, from what is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from stockjobs.domain.bars import BarsRequest
from stockjobs.domain.intervals import Interval
from stockjobs.domain.limits import Limits
from stockjobs.domain.planning import Window, requests_for
from stockjobs.store import bars, instruments
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection


@dataclass(frozen=True)
class Asks:
    """The requests of an attempt at `now`: for bars by symbol, oldest first; the symbols whose facts are asked for.

    `skipped` are symbols for which nothing is asked, with the reason: there can be nothing new, or nobody knows them any more.
    """

    now: datetime
    bars: dict[str, tuple[BarsRequest, ...]] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)


def asks_of(connection: Connection, claim: Claim, limits: Callable[[Interval], Limits], now: datetime) -> Asks:
    """What a claimed task asks for: its window, or what is new since the newest stored bars."""
    if claim.interval is None:
        return Asks(now, facts=claim.symbols)
    newest = _newest(connection, claim, claim.interval)
    window = Window(claim.window_start, claim.window_end) if claim.window_start and claim.window_end else None
    requests = {
        symbol: tuple(
            requests_for(
                symbol,
                claim.interval,
                window=window,
                newest=newest.get(symbol),
                first=claim.spec.window.length(),
                limits=limits(claim.interval),
                now=now,
            )
        )
        for symbol in claim.symbols
    }
    return Asks(now, requests)


def _newest(connection: Connection, claim: Claim, interval: Interval) -> dict[str, datetime]:
    known = instruments.by_symbol(connection, claim.spec.provider, claim.symbols)
    at = bars.newest(connection, [instrument.id for instrument in known.values()], interval)
    return {symbol: at[one.id] for symbol, one in known.items() if one.id in at}
