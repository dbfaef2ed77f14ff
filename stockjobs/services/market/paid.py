"""Paid: a payment that came with bars that were set aside is in their shares, and is told anew with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from stockjobs.domain.market.actions import Action, Difference
from stockjobs.domain.market.bars import Seconds
from stockjobs.domain.market.days import of_day
from stockjobs.domain.market.splits import InPrices, Split, as_of_days, factors
from stockjobs.store.database import Connection
from stockjobs.store.market import actions


@dataclass(frozen=True, eq=False)
class Aside:
    """Bars that an attempt brought and that were set aside: when they stand, and the splits that were not in their prices."""

    attempt: UUID
    at: Seconds
    lacked: tuple[Split, ...]


def land_paid(
    connection: Connection,
    instrument: int,
    aside: Sequence[Aside],
    prices: InPrices,
    *,
    now: datetime,
    landing: Callable[[], int],
) -> int:
    """Tell payments in the shares of the stored prices that came with bars in others, unless they were told otherwise since.

    `prices` are those of the days of these bars. Returns how many were written.
    """
    came = actions.came_with(connection, instrument, {one.attempt for one in aside})
    known = (
        {(one.kind, one.at): one for one in actions.known(connection, [instrument]).get(instrument, ())} if came else {}
    )
    told: dict[tuple[str, datetime], Action] = {}
    for attempt, one in came:
        key = (one.kind, one.at)
        beside = next((each for each in aside if _is_of(each, attempt, one, prices)), None)
        if beside is not None and key in known and known[key].is_paid_as(one):
            told[key] = _told(one, beside, prices)
    found = Difference(tuple(known[key] for key in told), tuple(told.values()))
    return actions.land(connection, instrument, found, now, landing=landing)


def _is_of(beside: Aside, attempt: UUID, payment: Action, prices: InPrices) -> bool:
    """True if a payment came with bars of which one is of its day, week or month."""
    return beside.attempt == attempt and bool(of_day(beside.at, payment.at, prices.interval, prices.zone).any())


def _told(came: Action, beside: Aside, prices: InPrices) -> Action:
    at = int(came.at.timestamp())
    lacked = float(factors(np.array([at]), as_of_days(beside.lacked))[0])
    return Action(came.kind, came.at, came.value / lacked, prices.of(at))
