"""Bars that were set aside because their prices stand elsewhere than what is stored, as a split would put them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, or_, select

from stockjobs.domain.market.bars import COLUMNS, PRICES, Bars
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation.levels import UNIT_JUMP, UNSPLIT
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.market.bar_rows import bars_of_rows

_findings, _aside, _bars = tables.findings, tables.quarantined_bars, tables.bars

RULES = (UNIT_JUMP, UNSPLIT, "jump")
"""The rules about bars at another level than what is stored."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The bars, oldest first and each time once, that were set aside of what an attempt brought, and their findings."""

    findings: tuple[UUID, ...]
    bars: Bars


def answers(connection: Connection, instrument: int, interval: Interval, since: datetime) -> list[Answer]:
    """What was set aside of a series since an instant and is still open, the newest first."""
    columns = [_aside.c[name] for name in COLUMNS]
    query = (
        select(_findings.c.id, _findings.c.attempt_id, _findings.c.created_at, *columns)
        .join(_aside, _aside.c.finding_id == _findings.c.id)
        .where(
            _findings.c.instrument_id == instrument,
            _findings.c.interval_s == interval.seconds,
            _findings.c.state == FindingState.OPEN.value,
            _findings.c.created_at >= since,
            or_(_findings.c.rule.in_(RULES), _findings.c.kind == FindingKind.VARYING_RATIO.value),
            *(_aside.c[name].is_not(None) for name in PRICES),
        )
    )
    found: dict[tuple[datetime, UUID | None], _Rows] = {}
    for finding, attempt, created_at, at, *values in connection.execute(query.order_by(_aside.c.at)):
        found.setdefault((created_at, attempt), _Rows({}, {})).add(finding, at, values)
    newest_first = sorted(found.items(), key=lambda item: item[0][0], reverse=True)
    return [rows.answer() for _, rows in newest_first]


def settle(connection: Connection, instrument: int, interval: Interval, *, by: str, now: datetime) -> int:
    """Close the open findings about bars of a series in the prices of before a split, where a stored bar stands at their time.
    Returns how many."""
    of_findings = (_findings.c.instrument_id == instrument, _findings.c.interval_s == interval.seconds)
    is_theirs = (
        _bars.c.instrument_id == instrument,
        _bars.c.interval_s == interval.seconds,
        _bars.c.at == _findings.c.at,
    )
    there = exists().where(*is_theirs)
    return findings.mend_where(connection, *of_findings, _findings.c.rule == UNSPLIT, there, by=by, now=now)


@dataclass(frozen=True)
class _Rows:
    findings: dict[UUID, None]
    by_time: dict[datetime, list[float | None]]

    def add(self, finding: UUID, at: datetime, values: list[float | None]) -> None:
        self.findings[finding] = None
        self.by_time[at] = values

    def answer(self) -> Answer:
        return Answer(tuple(self.findings), bars_of_rows([(at, *values) for at, values in self.by_time.items()]))
