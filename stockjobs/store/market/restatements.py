"""Restatements that were made: by which ratios, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import Split
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.market.bar_rows import Span
from stockjobs.store.statements import as_written, is_among, is_in

_findings = tables.findings

ASKED_AGAIN = "they are asked for again"
KEPT_NO_LONGER = "the source keeps them no longer, and they stay as they were told"
"""How the reason of what is unclear ends, while it is asked for and afterwards."""


def ratios(connection: Connection, instrument: int, *, since: datetime) -> list[float]:
    """By which ratios series of an instrument were restated since an instant."""
    query = select(_findings.c.evidence).where(_findings.c.instrument_id == instrument, *_made(since))
    return [evidence["ratio"] for evidence in connection.execute(query).scalars()]


# Made once, as they are asked by each attempt.
_UNCLEAR_SERIES = select(_findings.c.instrument_id, _findings.c.interval_s).where(
    is_among(_findings.c.instrument_id, "instruments"),
    _findings.c.kind == FindingKind.UNCLEAR_SHARES.value,
    _findings.c.state == as_written(FindingState.OPEN),
)
_SINCE = select(_findings.c.instrument_id, _findings.c.interval_s).where(
    is_among(_findings.c.instrument_id, "instruments"),
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
    query = select(*columns).where(is_in(_findings.c.instrument_id, instruments), *_made(since))
    found: dict[tuple[int, int], list[tuple[datetime, Split]]] = {}
    for instrument, seconds, at, evidence in connection.execute(query.order_by(_findings.c.created_at)):
        last = datetime.fromisoformat(evidence["to"])
        found.setdefault((instrument, seconds), []).append((at, Split(int(last.timestamp()) + 1, evidence["ratio"])))
    return found


def unclear_series(connection: Connection, instruments: Sequence[int]) -> frozenset[tuple[int, int]]:
    """The series of which it is not known in which shares some bars are, as instruments and nominal seconds of intervals."""
    found = connection.execute(_UNCLEAR_SERIES, {"instruments": list(instruments)})
    return frozenset((instrument, seconds) for instrument, seconds in found)


def unseen(connection: Connection, instrument: int, interval: Interval) -> frozenset[int]:
    """The landings that told a series anew by a split before its source was seen to have applied it."""
    query = select(_findings.c.evidence).where(
        _findings.c.instrument_id == instrument,
        _findings.c.interval_s == interval.seconds,
        _findings.c.kind == FindingKind.RESTATEMENT.value,
    )
    made_ = connection.execute(query).scalars()
    return frozenset(evidence["landing"] for evidence in made_ if not evidence.get("seen"))


def is_asked(connection: Connection, instrument: int, interval: Interval, split: Split) -> bool:
    """True if it was found before that nothing tells which bars of a series have a split."""
    query = select(_findings.c.evidence).where(_findings.c.instrument_id == instrument, *_is_unclear(interval))
    day = f"{datetime.fromtimestamp(split.at, UTC):%Y-%m-%d}"
    return any(evidence.get("split") == day for evidence in connection.execute(query).scalars())


def clear_up(connection: Connection, span: Span, *, by: str, now: datetime) -> int:
    """Close the findings that it is not known in which shares bars of a series are, those about bars of a span.

    Returns how many.
    """
    first, last = (datetime.fromtimestamp(at, UTC) for at in (span.first, span.last))
    of_series = (_findings.c.instrument_id == span.instrument_id, *_is_unclear(span.interval))
    return findings.mend_where(connection, *of_series, _findings.c.at.between(first, last), by=by, now=now)


def give_up(connection: Connection, series: tuple[int, Interval], *, asked_at: datetime, by: str, now: datetime) -> int:
    """Note of what was unclear of an instrument and interval at an instant, and did not come since, that nobody can tell any
    more. Returns how many findings.
    """
    instrument, interval = series
    is_open = (_findings.c.state == FindingState.OPEN.value, _findings.c.created_at <= asked_at)
    noted = {
        "state": FindingState.NOTED.value,
        "decided_at": now,
        "decided_by": by,
        "reason": func.replace(_findings.c.reason, ASKED_AGAIN, KEPT_NO_LONGER),
    }
    which = (_findings.c.instrument_id == instrument, *_is_unclear(interval), *is_open)
    return connection.execute(update(_findings).where(*which).values(noted)).rowcount


def ask_again(connection: Connection, finding: UUID) -> None:
    """Open a finding that was given up, as something is to be told of bars that came since."""
    opened = {
        "state": FindingState.OPEN.value,
        "decided_at": None,
        "decided_by": None,
        "reason": func.replace(_findings.c.reason, KEPT_NO_LONGER, ASKED_AGAIN),
    }
    which = (_findings.c.id == finding, _findings.c.state == FindingState.NOTED.value)
    connection.execute(update(_findings).where(*which).values(opened))


def _is_unclear(interval: Interval) -> tuple[ColumnElement[bool], ...]:
    return _findings.c.interval_s == interval.seconds, _findings.c.kind == FindingKind.UNCLEAR_SHARES.value


def _made(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return _findings.c.kind == FindingKind.RESTATEMENT.value, _findings.c.created_at > since
