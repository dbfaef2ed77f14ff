"""Splits, dividends and capital gains: each as it is known now, and as it was known before."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, and_, insert, or_, select, update

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.splits import Split, splits_in
from stockjobs.store import tables

_actions = tables.corporate_actions

_SAME = 1e-6
"""Amounts that differ by less than this part are the same: sources round them."""


@dataclass(frozen=True)
class Restated:
    """New shares of an instrument, `ratio` for an old one, in which the payments before an instant are now told (all for None).

    `without` are those that the source has told anew itself, by kind and ex-day.
    """

    instrument_id: int
    ratio: float
    before: datetime | None
    without: Collection[tuple[str, datetime]] = ()


def land(
    connection: Connection,
    instrument: int,
    actions: Sequence[CorporateAction],
    now: datetime,
    *,
    landing: Callable[[], int],
) -> int:
    """Write what is new or differs; the former value of one that differs stays, marked with the landing that replaced it.

    `landing` gives the number of the landing that writes. Returns how many were new or differed.
    """
    known = {(one.kind, one.at): one.value for one in of(connection, instrument)} if actions else {}
    new = [one for one in actions if not _is_same(known.get((one.kind, one.at)), one.value)]
    for one in new:
        if (one.kind, one.at) in known:
            current = and_(_actions.c.instrument_id == instrument, _actions.c.kind == one.kind, _actions.c.at == one.at)
            connection.execute(
                update(_actions).where(current, _actions.c.replaced_by.is_(None)).values(replaced_by=landing())
            )
    if new:
        common = {"instrument_id": instrument, "landing_id": landing(), "seen_at": now}
        connection.execute(
            insert(_actions), [{**common, "kind": one.kind, "at": one.at, "value": one.value} for one in new]
        )
    return len(new)


def _is_same(known: float | None, told: float) -> bool:
    return known is not None and math.isclose(known, told, rel_tol=_SAME)


def of(connection: Connection, instrument: int, *, as_of: int | None = None) -> Sequence[CorporateAction]:
    """The actions of an instrument, oldest first: as they are known now, or as they were known after a landing."""
    is_current = _actions.c.replaced_by.is_(None)
    is_known = (
        is_current
        if as_of is None
        else and_(_actions.c.landing_id <= as_of, or_(is_current, _actions.c.replaced_by > as_of))
    )
    query = select(_actions.c.kind, _actions.c.at, _actions.c.value).where(
        _actions.c.instrument_id == instrument, is_known
    )
    rows = connection.execute(query.order_by(_actions.c.at, _actions.c.kind))
    return [CorporateAction(kind, at, value) for kind, at, value in rows]


def splits(connection: Connection, instruments: Sequence[int]) -> dict[int, tuple[Split, ...]]:
    """The splits of instruments as they are known now, oldest first; one without any is left out."""
    return {instrument: tuple(heard) for instrument, heard in splits_heard(connection, instruments).items()}


def splits_heard(connection: Connection, instruments: Sequence[int]) -> dict[int, dict[Split, datetime]]:
    """The splits of instruments, oldest first, and when each was first heard of; an instrument without any is left out."""
    columns = (_actions.c.instrument_id, _actions.c.kind, _actions.c.at, _actions.c.value, _actions.c.seen_at)
    query = select(*columns).where(
        _actions.c.instrument_id.in_(instruments), _actions.c.kind == "split", _actions.c.replaced_by.is_(None)
    )
    found: dict[int, dict[Split, datetime]] = {}
    for instrument, kind, at, value, seen_at in connection.execute(query.order_by(_actions.c.at)):
        heard = splits_in([CorporateAction(kind, at, value)])
        found.setdefault(instrument, {}).update(dict.fromkeys(heard, seen_at))
    return found


def restate(connection: Connection, restated: Restated, *, landing: int, now: datetime) -> int:
    """Tell payments before a split per new share, and keep what they were. Returns how many."""
    payments = [
        one
        for one in of(connection, restated.instrument_id)
        if one.kind != "split"
        and (restated.before is None or one.at < restated.before)
        and (one.kind, one.at) not in restated.without
    ]
    if payments:
        told = [replace(one, value=one.value / restated.ratio) for one in payments]
        land(connection, restated.instrument_id, told, now, landing=lambda: landing)
    return len(payments)
