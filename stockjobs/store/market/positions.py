"""Positions: the newest stored bar of each series, and from where the next run asks again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, ScalarSelect, Select, bindparam, func, select

from stockjobs.domain.asking.novelty import Newest
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import as_written, is_among

_bars, _positions, _landings, _findings = tables.bars, tables.positions, tables.landings, tables.findings


def newest(connection: Connection, instruments: Sequence[int], interval: Interval, overlap: int) -> dict[int, Newest]:
    """The newest bar of each instrument that has one, and the open of the bar so many bars before it, or of the first; and the
    first bar of each of which it is not known in which shares it is.
    """
    asked = {"instruments": list(instruments), "seconds": interval.seconds, "overlap": overlap}
    return {
        instrument: Newest(at, overlap_at or first_at, bool(provisional), written_at, unclear_at)
        for instrument, at, overlap_at, first_at, provisional, written_at, unclear_at in connection.execute(
            _newest(), asked
        )
    }


@cache
def _newest() -> Select[tuple[Any, ...]]:
    columns = (
        _positions.c.instrument_id,
        _positions.c.newest_at,
        _overlap(),
        _first(),
        _of_newest(select(_bars.c.provisional)),
        _of_newest(select(_landings.c.at).join(_bars, _bars.c.landing_id == _landings.c.id)),
        _unclear(),
    )
    return select(*columns).where(
        is_among(_positions.c.instrument_id, "instruments"), _positions.c.interval_s == bindparam("seconds")
    )


_IS_OF_SERIES = (_bars.c.instrument_id == _positions.c.instrument_id, _bars.c.interval_s == _positions.c.interval_s)


def _overlap() -> ScalarSelect[object]:
    before = select(_bars.c.at).where(*_IS_OF_SERIES, _bars.c.at <= _positions.c.newest_at)
    return (
        before.order_by(_bars.c.at.desc())
        .offset(bindparam("overlap", type_=Integer))
        .limit(1)
        .correlate(_positions)
        .scalar_subquery()
    )


def _first() -> ScalarSelect[object]:
    return (
        select(_bars.c.at).where(*_IS_OF_SERIES).order_by(_bars.c.at).limit(1).correlate(_positions).scalar_subquery()
    )


def _unclear() -> ScalarSelect[object]:
    return (
        select(func.min(_findings.c.at))
        .where(
            _findings.c.instrument_id == _positions.c.instrument_id,
            _findings.c.interval_s == _positions.c.interval_s,
            _findings.c.kind == as_written(FindingKind.UNCLEAR_SHARES),
            _findings.c.state == as_written(FindingState.OPEN),
        )
        .correlate(_positions)
        .scalar_subquery()
    )


def unfinished_at() -> ScalarSelect[Any]:
    """When the newest bar of a position was written, null if the bar is finished: a look by keys for each."""
    written = select(_landings.c.at).join(_bars, _bars.c.landing_id == _landings.c.id)
    return _of_newest(written.where(_bars.c.provisional))


def _of_newest(query: Select[object]) -> ScalarSelect[object]:
    return query.where(*_IS_OF_SERIES, _bars.c.at == _positions.c.newest_at).correlate(_positions).scalar_subquery()
