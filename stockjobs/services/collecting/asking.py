"""What an attempt asks the provider for, symbol by symbol: decided before the first request, from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.planning import NOTHING_MISSING, OUT_OF_REACH, Skip, Window, requests_for
from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.collecting.fundamentals import facts_of
from stockjobs.services.collecting.missing import Sought, missing_of
from stockjobs.services.collecting.novelty import new_of
from stockjobs.services.collecting.standing import Asked, asked_as
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim


@dataclass(frozen=True)
class Asks:
    """The requests of an attempt at `now`: for bars by symbol, oldest first; for facts the symbol by which each is asked for.

    `skipped` are symbols for which nothing is asked, with the reason: there can be nothing new, or nobody knows them any more.
    """

    now: datetime
    bars: dict[str, tuple[BarsRequest, ...]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def asks_of(connection: Connection, claim: Claim, limits: Callable[[Interval], Limits], now: datetime) -> Asks:
    """What a claimed task asks for: what is missing in its window, or what can be new since the newest stored bars."""
    asked = asked_as(connection, claim, now)
    if claim.interval is None:
        return _facts(connection, claim, asked, now)
    within = limits(claim.interval)
    window = Window(claim.window_start, claim.window_end) if claim.window_start and claim.window_end else None
    names = tuple(asked.by.values())
    if window is None:
        decided = new_of(connection, claim, names, within, now)
    elif claim.is_refetch:
        decided = dict.fromkeys(names, window)
    else:
        decided = _missing(connection, claim, names, window, now)
    return _requested(claim.interval, asked, decided, within, now)


def _missing(
    connection: Connection, claim: Claim, names: Sequence[str], window: Window, now: datetime
) -> dict[str, Window | Skip]:
    """For each symbol what it still lacks in the window; others may have collected it since the task was planned."""
    interval = claim.interval or Interval.D1
    found = missing_of(connection, Sought(claim.spec.provider, interval, window, now), names)
    return {symbol: one.within(window) or Skip(NOTHING_MISSING) for symbol, one in found.items()}


def _facts(connection: Connection, claim: Claim, asked: Asked, now: datetime) -> Asks:
    waiting = facts_of(connection, claim, tuple(asked.by.values()), now)
    due = {symbol: name for symbol, name in asked.by.items() if name not in waiting}
    why = {symbol: waiting[name].reason for symbol, name in asked.by.items() if name in waiting}
    return Asks(now, facts=due, skipped={**asked.skipped, **why})


def _requested(
    interval: Interval, asked: Asked, decided: dict[str, Window | Skip], limits: Limits, now: datetime
) -> Asks:
    asks = Asks(now, skipped=dict(asked.skipped))
    for symbol, name in asked.by.items():
        what = decided[name]
        requests = requests_for(name, interval, what, limits, now=now) if isinstance(what, Window) else ()
        if requests:
            asks.bars[symbol] = tuple(requests)
        else:
            asks.skipped[symbol] = what.reason if isinstance(what, Skip) else OUT_OF_REACH
    return asks
