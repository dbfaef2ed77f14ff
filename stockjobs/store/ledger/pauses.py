"""Pauses of a lane, or of everything. They are rows, so that no restart forgets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pauses import Scope
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent

_pauses = tables.pauses


@dataclass(frozen=True)
class Pause:
    """What starts no work, since when, by whose wish and for which reason ("" if none was given)."""

    scope: Scope
    at: datetime
    by: str
    reason: str


def add(connection: Connection, pause: Pause) -> bool:
    """Write a pause down. False if its scope is paused already: the first one stays."""
    return insert_if_absent(connection, _pauses, [{**asdict(pause), "scope": pause.scope.value}]) == 1


def remove(connection: Connection, scope: Scope) -> bool:
    """Lift a pause. False if there was none."""
    return connection.execute(delete(_pauses).where(_pauses.c.scope == scope.value)).rowcount == 1


def every(connection: Connection) -> Sequence[Pause]:
    """The pauses in force, everything first."""
    rows = connection.execute(select(_pauses).order_by(_pauses.c.scope)).mappings()
    return [Pause(**{**row, "scope": Scope(row["scope"])}) for row in rows]


def paused_lanes(connection: Connection) -> frozenset[Lane]:
    """The lanes in which nothing may start now."""
    return frozenset(lane for pause in every(connection) for lane in pause.scope.lanes)
