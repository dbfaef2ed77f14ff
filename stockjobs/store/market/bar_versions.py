"""Stored history told anew: prices in other shares, with what they were before kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, Integer, case, cast, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain.market.bars import PRICES, Prices
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.shares import Bound, Past
from stockjobs.store import tables
from stockjobs.store.market.epochs import epoch
from stockjobs.store.statements import is_in, is_not_in

_bars, _versions, _landings = tables.bars, tables.bar_versions, tables.landings

COLUMNS = tuple(column.name for column in _bars.columns)
"""The columns that a bar and its former versions have in common."""


@dataclass(frozen=True)
class Part:
    """A part of a series: its bars before an instant (all for None), without those of some landings."""

    instrument_id: int
    interval: Interval
    before: datetime | None = None
    without: Collection[int] = ()


def history(connection: Connection, part: Part) -> tuple[Past, Prices]:
    """The bars of a part, oldest first, and the splits that are in the prices of each."""
    columns = (epoch(connection, _bars.c.at), _bars.c.open, _bars.c.close, _bars.c.landing_id, _bars.c.split_factor)
    rows = connection.execute(select(*columns).where(*_is_in(part)).order_by(_bars.c.at)).all()
    at, opened, close, landing, factor = zip(*rows, strict=True) if rows else ((),) * len(columns)
    past = Past(
        np.array(at, dtype=np.int64),
        np.array(opened, dtype=np.float64),
        np.array(close, dtype=np.float64),
        np.array(landing, dtype=np.int64),
    )
    return past, np.array(factor, dtype=np.float64)


def last_before(connection: Connection, part: Part) -> tuple[int, float] | None:
    """The last bar of a part: when it opened, in epoch seconds, and the splits that are in its price."""
    query = select(_bars.c.at, _bars.c.split_factor).where(*_is_in(part)).order_by(_bars.c.at.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (int(row[0].timestamp()), row[1])


def close_before(connection: Connection, part: Part) -> float | None:
    """The close of the last bar of a part, None if there is none."""
    query = select(_bars.c.close).where(*_is_in(part)).order_by(_bars.c.at.desc()).limit(1)
    return connection.execute(query).scalar()


def interval_of(
    connection: Connection, instrument: int, landing: int, span: tuple[datetime, datetime]
) -> Interval | None:
    """Of which interval the bars of an instrument are that a landing wrote between two instants; None if it wrote none that
    stand.
    """
    of_instrument = (_bars.c.instrument_id == instrument, is_in(_bars.c.interval_s, [one.seconds for one in Interval]))
    query = select(_bars.c.interval_s).where(*of_instrument, _bars.c.at.between(*span), _bars.c.landing_id == landing)
    seconds = connection.execute(query.limit(1)).scalar()
    return None if seconds is None else Interval.from_seconds(seconds)


def first_from(connection: Connection, part: Part) -> Bound | None:
    """The first bar that comes after a part, None if there is none."""
    if part.before is None:
        return None
    is_after = (*_is_in(Part(part.instrument_id, part.interval)), _bars.c.at >= part.before)
    row = connection.execute(select(_bars.c.at, _bars.c.open).where(*is_after).order_by(_bars.c.at).limit(1)).first()
    return None if row is None else Bound(int(row[0].timestamp()), row[1])


def span(connection: Connection, part: Part) -> tuple[datetime, datetime] | None:
    """The first and the last bar of a part."""
    first, last = connection.execute(select(func.min(_bars.c.at), func.max(_bars.c.at)).where(*_is_in(part))).one()
    return None if first is None else (first, last)


def landed_at(connection: Connection, landings: Collection[int]) -> dict[int, datetime]:
    """When landings were made."""
    query = select(_landings.c.id, _landings.c.at).where(is_in(_landings.c.id, landings))
    return {row.id: row.at for row in connection.execute(query)}


def restate(connection: Connection, part: Part, ratio: float, landing: int) -> int:
    """Tell a part in new shares, `ratio` of them for an old one, and keep what settled bars were. Returns how many bars."""
    kept = select(*(_bars.c[name] for name in COLUMNS), literal(landing, Integer)).where(
        *_is_in(part), _bars.c.provisional.is_(False)
    )
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # A bar that this landing has replaced already is kept as it was before that.
    versions = dialect.insert(_versions).from_select([*COLUMNS, "replaced_by"], kept).on_conflict_do_nothing()
    connection.execute(versions)
    prices = {name: _bars.c[name] / ratio for name in PRICES}
    statement = update(_bars).where(*_is_in(part))
    return connection.execute(
        statement.values(
            **prices,
            volume=cast(func.round(_bars.c.volume * ratio), _bars.c.volume.type),
            split_factor=_bars.c.split_factor * ratio,
            landing_id=landing,
            revision=_bars.c.revision + case((_bars.c.provisional, 0), else_=1),
        )
    ).rowcount


def note_split(connection: Connection, part: Part, ratio: float) -> None:
    """Write down that a split is in the prices of a part already; the prices stay."""
    connection.execute(update(_bars).where(*_is_in(part)).values(split_factor=_bars.c.split_factor * ratio))


def note_split_at(connection: Connection, part: Part, at: Collection[datetime], ratio: float) -> None:
    """As `note_split`, of single bars of a part, by when they opened."""
    of_them = (*_is_in(part), is_in(_bars.c.at, at))
    connection.execute(update(_bars).where(*of_them).values(split_factor=_bars.c.split_factor * ratio))


def note_between(connection: Connection, series: tuple[int, Interval], span: tuple[int, int], ratio: float) -> None:
    """Write down that a split is in the prices of the bars of a span (epoch seconds, its end excluded) of an instrument and
    interval."""
    instrument, interval = series
    first, last = (datetime.fromtimestamp(one, UTC) for one in span)
    of_series = (_bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds)
    between = (*of_series, _bars.c.at >= first, _bars.c.at < last)
    connection.execute(update(_bars).where(*between).values(split_factor=_bars.c.split_factor * ratio))


def _is_in(part: Part) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        _bars.c.instrument_id == part.instrument_id,
        _bars.c.interval_s == part.interval.seconds,
    ]
    if part.before is not None:
        found.append(_bars.c.at < part.before)
    if part.without:
        found.append(is_not_in(_bars.c.landing_id, part.without))
    return found
