"""Paid: a payment that came with bars that were set aside is in their shares, and is told anew with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from stockjobs.domain.market.actions import Action, Difference
from stockjobs.domain.market.bars import CorporateAction, Seconds
from stockjobs.domain.market.days import of_day
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.splits import InPrices, Split, as_of_days, factors
from stockjobs.store.database import Connection
from stockjobs.store.market import actions, findings
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.quarantine import StoredFinding
from stockjobs.store.market.restatements import ASKED_AGAIN

_LEFT_OUT = "actions"


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


def left_out(told: Sequence[CorporateAction]) -> dict[str, object]:
    """What evidence says of the splits and payments that were set aside with the bars of their answer."""
    return {_LEFT_OUT: len(told)} if told else {}


def ask_again(connection: Connection, released: Sequence[tuple[StoredFinding, Seconds]], now: datetime) -> None:
    """Let the splits and payments be asked for again that were set aside with bars which are stored by now; nothing keeps them.

    `released` are the findings of these bars and when they stand.
    """
    found = [
        Finding(
            kind=FindingKind.UNCLEAR_SHARES,
            symbol=one.symbol,
            reason=f"what was paid beside bars that were set aside is not stored yet: {ASKED_AGAIN}",
            instrument_id=one.instrument_id,
            interval=one.interval,
            at=datetime.fromtimestamp(int(at.min()), UTC),
            attempt_id=one.attempt_id,
            evidence={_LEFT_OUT: one.evidence[_LEFT_OUT]},
        )
        for one, at in released
        if one.evidence.get(_LEFT_OUT)
    ]
    if found:
        findings.land(connection, found, now)


def _is_of(beside: Aside, attempt: UUID, payment: Action, prices: InPrices) -> bool:
    """True if a payment came with bars of which one is of its day, week or month."""
    return beside.attempt == attempt and bool(of_day(beside.at, payment.at, prices.interval, prices.zone).any())


def _told(came: Action, beside: Aside, prices: InPrices) -> Action:
    at = int(came.at.timestamp())
    lacked = float(factors(np.array([at]), as_of_days(beside.lacked))[0])
    return Action(came.kind, came.at, came.value / lacked, prices.of(at))
