"""Splits, dividends and capital gains: each as it is known now, and as it was known before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, and_, insert, or_, select, update

from stockjobs.domain.bars import CorporateAction
from stockjobs.store import tables

_actions = tables.corporate_actions


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
    new = [one for one in actions if known.get((one.kind, one.at)) != one.value]
    for one in new:
        if (one.kind, one.at) in known:
            current = and_(_actions.c.instrument_id == instrument, _actions.c.kind == one.kind, _actions.c.at == one.at)
            connection.execute(
                update(_actions).where(current, _actions.c.replaced_by.is_(None)).values(replaced_by=landing())
            )
    if new:
        common = {"instrument_id": instrument, "landing_id": landing(), "seen_at": now}
        connection.execute(insert(_actions), [{**common, **asdict(one)} for one in new])
    return len(new)


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
