"""Bars that were set aside because their prices stand elsewhere than what is stored, as a split would put them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, or_, select

from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables

_findings, _aside = tables.findings, tables.quarantined_bars

RULES = ("unit-jump", "unsplit", "jump")
"""The rules about bars at another level than what is stored."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The bars, oldest first and each time once, that were set aside of what an attempt brought, and their findings."""

    findings: tuple[UUID, ...]
    bars: Bars


def answers(connection: Connection, instrument: int, interval: Interval, since: datetime) -> list[Answer]:
    """What was set aside of a series since an instant and is still open, the newest first."""
    columns = (_aside.c.at, *(_aside.c[name] for name in PRICES), _aside.c.volume, _aside.c.provisional)
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


@dataclass(frozen=True)
class _Rows:
    findings: dict[UUID, None]
    by_time: dict[datetime, list[float | None]]

    def add(self, finding: UUID, at: datetime, values: list[float | None]) -> None:
        self.findings[finding] = None
        self.by_time[at] = values

    def answer(self) -> Answer:
        opened, high, low, close, volume, provisional = (list(one) for one in zip(*self.by_time.values(), strict=True))
        bars = Bars(
            np.array([int(at.timestamp()) for at in self.by_time], dtype=np.int64),
            np.array(opened, dtype=np.float64),
            np.array(high, dtype=np.float64),
            np.array(low, dtype=np.float64),
            np.array(close, dtype=np.float64),
            np.array([NO_VOLUME if one is None else one for one in volume], dtype=np.int64),
            np.array(provisional, dtype=np.bool_),
        )
        return Answer(tuple(self.findings), bars)
