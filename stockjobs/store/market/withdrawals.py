"""Bars that are taken out of a series again; what they were is kept, as of bars that are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Integer, Table, delete, exists, func, literal, select, update

from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market.bar_versions import COLUMNS
from stockjobs.store.statements import is_in, upsert

_bars, _versions, _positions, _findings = tables.bars, tables.bar_versions, tables.positions, tables.findings
_landings = tables.landings


def released_at(connection: Connection, instrument: int, interval: Interval, at: Sequence[int]) -> frozenset[int]:
    """Of some times (epoch seconds) those whose bars somebody has released, at whatever prices."""
    query = select(_findings.c.at).where(
        _findings.c.instrument_id == instrument,
        _findings.c.interval_s == interval.seconds,
        is_in(_findings.c.at, [datetime.fromtimestamp(one, UTC) for one in at]),
        _findings.c.state == FindingState.RELEASED.value,
    )
    return frozenset(int(one.timestamp()) for one in connection.execute(query).scalars())


def landed_again(
    connection: Connection, series: tuple[int, Interval], at: Sequence[int], *, besides: str
) -> frozenset[int]:
    """Of some times (epoch seconds) those whose bars have left the series once, and were landed again by another job, or a
    person, than this one."""
    of_bar = [_versions.c[name] == _bars.c[name] for name in ("instrument_id", "interval_s", "at")]
    after = _versions.alias()
    of_version = [after.c[name] == _versions.c[name] for name in ("instrument_id", "interval_s", "at")]
    # What replaced a bar has the number of the landing that ended it; of one that was taken out nothing has.
    was_replaced = exists().where(*of_version, after.c.landing_id == _versions.c.replaced_by)
    has_left = exists().where(*of_bar, _versions.c.replaced_by < _bars.c.landing_id, ~was_replaced)
    query = (
        select(_bars.c.at)
        .join(_landings, _landings.c.id == _bars.c.landing_id)
        .where(*_of(_bars, *series), is_in(_bars.c.at, [datetime.fromtimestamp(one, UTC) for one in at]))
        .where(_landings.c.by != besides, has_left)
    )
    return frozenset(int(one.timestamp()) for one in connection.execute(query).scalars())


def withdraw(connection: Connection, instrument: int, interval: Interval, at: Sequence[int], landing: int) -> int:
    """Take the bars of some times (epoch seconds) out of a series, under its lock. Returns how many there were."""
    times = is_in(_bars.c.at, [datetime.fromtimestamp(one, UTC) for one in at])
    gone = (*_of(_bars, instrument, interval), times)
    kept = select(*(_bars.c[name] for name in COLUMNS), literal(landing, Integer))
    # What this landing has replaced already is kept as it was before that.
    settled = kept.where(*gone, _bars.c.provisional.is_(False))
    versions = upsert(connection, _versions).from_select([*COLUMNS, "replaced_by"], settled)
    connection.execute(versions.on_conflict_do_nothing())
    count = connection.execute(delete(_bars).where(*gone)).rowcount
    _move_back(connection, instrument, interval)
    return count


def _move_back(connection: Connection, instrument: int, interval: Interval) -> None:
    """Let the next run begin at the newest bar that is left."""
    newest = connection.execute(select(func.max(_bars.c.at)).where(*_of(_bars, instrument, interval))).scalar_one()
    of_series = _of(_positions, instrument, interval)
    if newest is None:
        connection.execute(delete(_positions).where(*of_series))
    else:
        is_ahead = _positions.c.newest_at > newest
        connection.execute(update(_positions).where(*of_series, is_ahead).values(newest_at=newest))


def _of(table: Table, instrument: int, interval: Interval) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.instrument_id == instrument, table.c.interval_s == interval.seconds
