"""Splits, dividends and capital gains: each as it is known now, and as it was known before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update

from stockjobs.domain.market.actions import Action, Difference
from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.splits import Split, splits_in
from stockjobs.store import tables
from stockjobs.store.statements import is_among, is_in

_actions = tables.corporate_actions
_KNOWN = (
    select(*_actions.c["instrument_id", "kind", "at", "value", "split_factor", "landing_id"])
    .where(is_among(_actions.c.instrument_id, "instruments"), _actions.c.replaced_by.is_(None))
    .order_by(_actions.c.at, _actions.c.kind)
)
_SPLITS = (
    select(*_actions.c["instrument_id", "kind", "at", "value", "seen_at"])
    .where(
        is_among(_actions.c.instrument_id, "instruments"), _actions.c.kind == "split", _actions.c.replaced_by.is_(None)
    )
    .order_by(_actions.c.at)
)


def land(
    connection: Connection, instrument: int, difference: Difference, now: datetime, *, landing: Callable[[], int]
) -> int:
    """Write what is new or differs; the former value of one that differs stays, marked with the landing that replaced it.

    `landing` gives the number of the landing that writes; what it has written itself, it writes over. Returns how many were new
    or differed.
    """
    for one in difference.gone:
        _replace(connection, instrument, one, landing())
    if difference.new:
        common = {"instrument_id": instrument, "landing_id": landing(), "seen_at": now}
        connection.execute(insert(_actions), [{**common, **_values(one)} for one in difference.new])
    return len(difference.new)


def _replace(connection: Connection, instrument: int, former: Action, landing: int) -> None:
    if former.landing == landing:
        connection.execute(delete(_actions).where(*_is(instrument, former)))
    else:
        connection.execute(update(_actions).where(*_is(instrument, former)).values(replaced_by=landing))


def _values(one: Action) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("kind", "at", "value", "split_factor")}


def _is(instrument: int, one: Action) -> tuple[ColumnElement[bool], ...]:
    return (
        _actions.c.instrument_id == instrument,
        _actions.c.kind == one.kind,
        _actions.c.at == one.at,
        _actions.c.landing_id == one.landing,
    )


def note(connection: Connection, instrument: int, payments: Sequence[Action]) -> None:
    """Write down which splits are in the amounts of payments already; the amounts stay."""
    for one in payments:
        connection.execute(update(_actions).where(*_is(instrument, one)).values(split_factor=one.split_factor))


def known(connection: Connection, instruments: Sequence[int]) -> dict[int, list[Action]]:
    """The actions of instruments as they are known now, oldest first; an instrument without any is left out."""
    found: dict[int, list[Action]] = {}
    for instrument, *values in connection.execute(_KNOWN, {"instruments": list(instruments)}):
        found.setdefault(instrument, []).append(Action(*values))
    return found


def came_with(connection: Connection, instrument: int, attempts: Collection[UUID]) -> list[tuple[UUID, Action]]:
    """The payments of an instrument of which nobody knew before some attempts, each with its attempt, as they were told then."""
    landings, former = tables.landings, _actions.alias()
    was_known = exists().where(
        former.c.instrument_id == _actions.c.instrument_id,
        former.c.kind == _actions.c.kind,
        former.c.at == _actions.c.at,
        former.c.replaced_by == _actions.c.landing_id,
    )
    query = (
        select(landings.c.attempt_id, *_actions.c["kind", "at", "value", "split_factor", "landing_id"])
        .join(landings, landings.c.id == _actions.c.landing_id)
        .where(_actions.c.instrument_id == instrument, _actions.c.kind != "split", ~was_known)
        .where(is_in(landings.c.attempt_id, attempts))
    )
    return [(attempt, Action(*values)) for attempt, *values in connection.execute(query)]


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
    found: dict[int, dict[Split, datetime]] = {}
    for instrument, kind, at, value, seen_at in connection.execute(_SPLITS, {"instruments": list(instruments)}):
        heard = splits_in([CorporateAction(kind, at, value)])
        found.setdefault(instrument, {}).update(dict.fromkeys(heard, seen_at))
    return found
