"""Reading findings, and the bars that were set aside for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect, Select, select

from stockjobs.domain.market.bars import COLUMNS, Bars
from stockjobs.domain.market.findings import EVERY_FINDING, FindingFilter, FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import NotFound
from stockjobs.store import tables
from stockjobs.store.market.bar_rows import bars_of_rows
from stockjobs.store.prefixes import ids_from
from stockjobs.store.statements import is_in

_findings, _aside, _jobs, _symbols = tables.findings, tables.quarantined_bars, tables.jobs, tables.symbols


Place = tuple[int | None, int | None, datetime]
"""Instrument, seconds of the interval, and time of the bar that a finding is about."""


@dataclass(frozen=True)
class StoredFinding:
    """A finding as it is stored: what is wrong with which data, what has become of it, and by whom.

    `provider` is whose the instrument is; None where it is about a symbol of which no instrument is known.
    """

    id: UUID
    kind: FindingKind
    rule: str | None
    symbol: str
    provider: str | None
    instrument_id: int | None
    interval: Interval | None
    at: datetime | None
    job: str | None
    attempt_id: UUID | None
    reason: str
    evidence: dict[str, Any]
    state: FindingState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


def listed(connection: Connection, wanted: FindingFilter = EVERY_FINDING, *, limit: int) -> Sequence[StoredFinding]:
    """The newest findings first."""
    query = _select().where(*_of(wanted)).order_by(_findings.c.created_at.desc(), _findings.c.at.desc(), _findings.c.id)
    return [_finding(row) for row in connection.execute(query.limit(limit)).mappings()]


def by_ids(connection: Connection, which: Sequence[UUID], *, for_change: bool = False) -> Sequence[StoredFinding]:
    """Some findings, in the order of their ids; `for_change` lets nobody else decide about them meanwhile."""
    query = _select().where(is_in(_findings.c.id, which)).order_by(_findings.c.id)
    if for_change:
        query = query.with_for_update(of=_findings)
    return [_finding(row) for row in connection.execute(query).mappings()]


def id_of(connection: Connection, text: str) -> UUID:
    """The id of the one finding whose id begins with these hexadecimal digits; dashes count for nothing. Raises NotFound."""
    lowest, highest = ids_from(text, "a finding")
    found = connection.execute(select(_findings.c.id).where(_findings.c.id.between(lowest, highest)).limit(2)).all()
    if not found:
        raise NotFound(f"there is no finding {text}: `stockctl get findings` lists them")
    if len(found) > 1:
        raise NotFound(f"several findings begin with {text}: give more digits")
    [[one]] = found
    return UUID(str(one))


def meant(connection: Connection, wanted: FindingFilter) -> Sequence[tuple[UUID, Place | None]]:
    """The ids of findings and which bar each is about, None where it is about none; series by series, oldest bar first."""
    place = (_findings.c.instrument_id, _findings.c.interval_s, _findings.c.at)
    query = select(_findings.c.id, *place).where(*_of(wanted)).order_by(*place, _findings.c.id)
    rows = connection.execute(query)
    return [(key, (instrument, seconds, at) if at else None) for key, instrument, seconds, at in rows]


def instruments_of(connection: Connection, which: Sequence[UUID]) -> Sequence[int]:
    """The instruments that findings are about."""
    is_known = _findings.c.instrument_id.is_not(None)
    query = select(_findings.c.instrument_id).distinct().where(is_in(_findings.c.id, which), is_known)
    return connection.execute(query).scalars().all()


def bars_of(connection: Connection, which: Sequence[UUID]) -> dict[UUID, Bars]:
    """The bars that were set aside for findings, oldest first, by finding; a price that was none is NaN."""
    query = (
        select(_aside.c.finding_id, *(_aside.c[name] for name in COLUMNS))
        .where(is_in(_aside.c.finding_id, which))
        .order_by(_aside.c.finding_id, _aside.c.at)
    )
    found: dict[UUID, list[Sequence[Any]]] = {key: [] for key in which}
    for finding, *bar in connection.execute(query):
        found[finding].append(bar)
    return {key: bars_of_rows(rows) for key, rows in found.items()}


def _select() -> Select[*tuple[Any, ...]]:
    return select(_findings, _jobs.c.name.label("job"), _provider().label("provider")).outerjoin(
        _jobs, _jobs.c.id == _findings.c.job_id
    )


def _provider() -> ScalarSelect[Any]:
    """Whose the instrument of a finding is: all its names are of one provider."""
    names = select(_symbols.c.provider).where(_symbols.c.instrument_id == _findings.c.instrument_id)
    return names.limit(1).correlate(_findings).scalar_subquery()


def _of(wanted: FindingFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in ((_findings.c.symbol, wanted.symbol), (_findings.c.rule, wanted.rule)):
        if value is not None:
            found.append(column == value)
    if wanted.provider is not None:
        theirs = select(_symbols.c.instrument_id).where(_symbols.c.provider == wanted.provider)
        found.append(_findings.c.instrument_id.in_(theirs))
    if wanted.job is not None:
        found.append(_findings.c.job_id == wanted.job)
    if wanted.kinds:
        found.append(_findings.c.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.states:
        found.append(_findings.c.state.in_([state.value for state in wanted.states]))
    if wanted.since is not None:
        found.append(_findings.c.created_at >= wanted.since)
    if wanted.before is not None:
        found.append(_findings.c.created_at < wanted.before)
    return found


def _finding(row: RowMapping) -> StoredFinding:
    known = {name: row[name] for name in StoredFinding.__dataclass_fields__ if name != "interval"}
    interval = Interval.from_seconds(row["interval_s"]) if row["interval_s"] else None
    return StoredFinding(
        **{**known, "kind": FindingKind(row["kind"]), "state": FindingState(row["state"])}, interval=interval
    )
