"""Bars that were set aside because their prices stand elsewhere than what is stored, as a split would put them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, and_, bindparam, or_, select

from stockjobs.domain.market.bars import COLUMNS, PRICES, Bars, Prices, Seconds
from stockjobs.domain.market.days import REACH
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.restatement import are_in_new_shares
from stockjobs.domain.market.validation.levels import UNIT_JUMP, UNSPLIT
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.market.bar_rows import bars_of_rows
from stockjobs.store.market.findings import Good
from stockjobs.store.statements import as_written

_findings, _aside, _bars = tables.findings, tables.quarantined_bars, tables.bars

RULES = (UNIT_JUMP, UNSPLIT, "jump")
"""The rules about bars at another level than what is stored."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The bars, oldest first and each time once, that were set aside of what an attempt brought, and their findings, which
    are all open or all rejected.
    """

    findings: tuple[UUID, ...]
    bars: Bars
    attempt: UUID | None
    is_open: bool


def answers(connection: Connection, instrument: int, interval: Interval, since: datetime) -> list[Answer]:
    """What was set aside of a series since an instant and is still open or rejected, the newest first."""
    columns = [_aside.c[name] for name in COLUMNS]
    query = (
        select(*_findings.c["id", "attempt_id", "created_at", "state"], *columns)
        .join(_aside, _aside.c.finding_id == _findings.c.id)
        .where(
            _findings.c.instrument_id == instrument,
            _findings.c.interval_s == interval.seconds,
            _findings.c.state.in_([FindingState.OPEN.value, FindingState.REJECTED.value]),
            _findings.c.created_at >= since,
            or_(_findings.c.rule.in_(RULES), _findings.c.kind == FindingKind.VARYING_RATIO.value),
            *(_aside.c[name].is_not(None) for name in PRICES),
        )
    )
    found: dict[tuple[datetime, UUID | None, bool], _Rows] = {}
    for finding, attempt, created_at, state, at, *values in connection.execute(query.order_by(_aside.c.at)):
        is_open = state == FindingState.OPEN.value
        found.setdefault((created_at, attempt, is_open), _Rows({}, {})).add(finding, at, values)
    newest_first = sorted(found.items(), key=lambda item: item[0][0], reverse=True)
    return [rows.answer(attempt, is_open=is_open) for (_, attempt, is_open), rows in newest_first]


def settle(connection: Connection, series: tuple[int, Interval], zone: tzinfo, *, by: str, now: datetime) -> int:
    """Close the open findings about bars of an instrument and interval in the prices of before a split, where a stored bar
    stands at their time, or on their day, week or month by the clocks of a zone. Returns how many."""
    instrument, interval = series
    is_open = (_findings.c.state == FindingState.OPEN.value, _findings.c.rule == UNSPLIT)
    of_series = (_findings.c.instrument_id == instrument, _findings.c.interval_s == interval.seconds)
    found = connection.execute(select(_findings.c.id, _findings.c.at).where(*of_series, *is_open)).all()
    if not found:
        return 0
    reach = timedelta(seconds=REACH.get(interval, 0))
    is_near = _bars.c.at.between(min(row.at for row in found) - reach, max(row.at for row in found) + reach)
    query = select(_bars.c.at).where(
        _bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds, is_near
    )
    there = Good(instrument, interval, _seconds(connection.execute(query).scalars()), zone)
    is_there = there.is_of(_seconds(row.at for row in found)).tolist()
    settled = [row.id for row, is_met in zip(found, is_there, strict=True) if is_met]
    return findings.decide(connection, settled, FindingState.MENDED, by, now)


def settle_told(
    connection: Connection, series: tuple[int, Interval], ratios: Sequence[float], *, by: str, now: datetime
) -> int:
    """Close the open findings about bars of an instrument and interval in the prices of before a split, whose bars are stored in
    the shares after a split of one of some ratios. Returns how many."""
    rows = connection.execute(_HELD, {"instrument": series[0], "seconds": series[1].seconds}).all()
    if not rows:
        return 0
    prices: Prices = np.array([row[1:] for row in rows], dtype=np.float64).T
    is_told = are_in_new_shares(prices[: len(PRICES)], prices[len(PRICES) :], ratios).tolist()
    settled = [row.id for row, is_met in zip(rows, is_told, strict=True) if is_met]
    return findings.decide(connection, settled, FindingState.MENDED, by, now)


# Made once, as each landing after a recent split asks it: what is held of a series, and what is stored at its times.
_HELD = (
    select(
        _findings.c.id,
        *(_aside.c[name] for name in PRICES),
        *(_bars.c[name].label(f"stored_{name}") for name in PRICES),
    )
    .join(_aside, _aside.c.finding_id == _findings.c.id)
    .join(
        _bars,
        and_(
            _bars.c.instrument_id == _aside.c.instrument_id,
            _bars.c.interval_s == _aside.c.interval_s,
            _bars.c.at == _aside.c.at,
        ),
    )
    .where(
        _findings.c.instrument_id == bindparam("instrument"),
        _findings.c.interval_s == bindparam("seconds"),
        _findings.c.state == as_written(FindingState.OPEN),
        _findings.c.rule == UNSPLIT,
    )
)


def _seconds(times: Iterable[datetime]) -> Seconds:
    return np.array([int(at.timestamp()) for at in times], dtype=np.int64)


@dataclass(frozen=True)
class _Rows:
    findings: dict[UUID, None]
    by_time: dict[datetime, list[float | None]]

    def add(self, finding: UUID, at: datetime, values: list[float | None]) -> None:
        self.findings[finding] = None
        self.by_time[at] = values

    def answer(self, attempt: UUID | None, *, is_open: bool) -> Answer:
        bars = bars_of_rows([(at, *values) for at, values in self.by_time.items()])
        return Answer(tuple(self.findings), bars, attempt, is_open)
