"""Disagreements: answers that were set aside whole since they told history otherwise than it is stored, and which are over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, select, update

from stockjobs.domain.market.bars import PRICES, Prices, Seconds
from stockjobs.domain.market.changes import Mask
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.restatement import are_told_alike
from stockjobs.store import tables
from stockjobs.store.statements import is_in

_findings, _aside, _bars = tables.findings, tables.quarantined_bars, tables.bars


def open_of(connection: Connection, series: tuple[int, Interval]) -> Sequence[UUID]:
    """The findings of an instrument and interval about such answers that nobody has decided yet."""
    instrument, interval = series
    query = select(_findings.c.id).where(
        _findings.c.instrument_id == instrument,
        _findings.c.interval_s == interval.seconds,
        _findings.c.state == FindingState.OPEN.value,
        _findings.c.kind == FindingKind.VARYING_RATIO.value,
    )
    return connection.execute(query).scalars().all()


def note_good(
    connection: Connection, which: Collection[UUID], is_good: Callable[[Seconds], Mask], now: datetime
) -> frozenset[UUID]:
    """Note which bars of some findings have come as good ones: `is_good` says it of times (epoch seconds). Returns the findings
    that had such bars.
    """
    lacking = (is_in(_aside.c.finding_id, which), _aside.c.good_at.is_(None))
    at = connection.execute(select(_aside.c.at).where(*lacking).distinct()).scalars().all()
    is_met = is_good(np.array([int(one.timestamp()) for one in at], dtype=np.int64))
    met = [one for one, is_one in zip(at, is_met.tolist(), strict=True) if is_one]
    if not met:
        return frozenset()
    noting = update(_aside).where(*lacking, is_in(_aside.c.at, met)).values(good_at=now)
    return frozenset(connection.execute(noting.returning(_aside.c.finding_id)).scalars())


def forget_good(connection: Connection, which: Collection[UUID]) -> None:
    """Forget which bars of some findings have come as good ones, since they came again as they were set aside."""
    if which:
        noted = (is_in(_aside.c.finding_id, which), _aside.c.good_at.is_not(None))
        connection.execute(update(_aside).where(*noted).values(good_at=None))


def over(connection: Connection, which: Collection[UUID], ratios: Sequence[float] = ()) -> list[UUID]:
    """Those findings of which each bar has come as a good one since, or stands as it came, or as it came in other shares.

    `ratios` are those of splits that the source has applied since.
    """
    if not which:
        return []
    found: dict[UUID, list[Sequence[Any]]] = {}
    for row in connection.execute(_held(which)):
        found.setdefault(row[0], []).append(row)
    return [key for key, rows in found.items() if (_is_good(rows) | _is_told(rows, ratios)).all()]


def _held(which: Collection[UUID]) -> Select[Any]:
    """The bars of findings with those that are stored at their times: finding, when a good one came, prices of both."""
    columns = [_aside.c[name] for name in PRICES] + [_bars.c[name] for name in PRICES]
    is_same = and_(
        _bars.c.instrument_id == _aside.c.instrument_id,
        _bars.c.interval_s == _aside.c.interval_s,
        _bars.c.at == _aside.c.at,
    )
    held = select(_aside.c.finding_id, _aside.c.good_at, *columns).outerjoin_from(_aside, _bars, is_same)
    return held.where(is_in(_aside.c.finding_id, [*which]))


def _is_good(rows: Sequence[Sequence[Any]]) -> Mask:
    return np.array([row[1] is not None for row in rows], dtype=np.bool_)


def _is_told(rows: Sequence[Sequence[Any]], ratios: Sequence[float]) -> NDArray[np.bool_]:
    # What is not stored, and what is no price, is a NaN, which is like nothing.
    prices: Prices = np.array([row[2:] for row in rows], dtype=np.float64).T
    return are_told_alike(prices[: len(PRICES)], prices[len(PRICES) :], ratios)
