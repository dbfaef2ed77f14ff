"""Restatements that were made: by which ratios, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, select

from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.splits import Split
from stockjobs.store import tables
from stockjobs.store.statements import several

_findings = tables.findings


def ratios(connection: Connection, instrument: int, *, since: datetime) -> list[float]:
    """By which ratios series of an instrument were restated since an instant."""
    query = select(_findings.c.evidence).where(_findings.c.instrument_id == instrument, *_made(since))
    return [evidence["ratio"] for evidence in connection.execute(query).scalars()]


# Made once, as it is asked in each landing.
_SINCE = select(_findings.c.instrument_id, _findings.c.interval_s).where(
    _findings.c.instrument_id.in_(several("instruments")),
    _findings.c.kind == FindingKind.RESTATEMENT.value,
    _findings.c.created_at > bindparam("since"),
)


def restated_since(connection: Connection, instruments: Sequence[int], at: datetime) -> frozenset[tuple[int, int]]:
    """The series that were restated after an instant, as instruments and nominal seconds of intervals."""
    found = connection.execute(_SINCE, {"instruments": list(instruments), "since": at})
    return frozenset((instrument, seconds) for instrument, seconds in found)


def made(
    connection: Connection, instruments: Sequence[int], since: datetime
) -> dict[tuple[int, int], list[tuple[datetime, Split]]]:
    """The restatements of instruments since an instant, oldest first, by instrument and nominal seconds: when each was made,
    and its ratio with the end of what it was applied to."""
    columns = (_findings.c.instrument_id, _findings.c.interval_s, _findings.c.created_at, _findings.c.evidence)
    query = select(*columns).where(_findings.c.instrument_id.in_(instruments), *_made(since))
    found: dict[tuple[int, int], list[tuple[datetime, Split]]] = {}
    for instrument, seconds, at, evidence in connection.execute(query.order_by(_findings.c.created_at)):
        last = datetime.fromisoformat(evidence["to"])
        found.setdefault((instrument, seconds), []).append((at, Split(int(last.timestamp()) + 1, evidence["ratio"])))
    return found


def _made(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return _findings.c.kind == FindingKind.RESTATEMENT.value, _findings.c.created_at > since
