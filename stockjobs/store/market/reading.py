"""The statements that read bars as columns, and the bars of one instrument as values.

Everything in them is a number, so they are written out whole: PostgreSQL answers a statement without parameters by binary COPY.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from sqlalchemy import Connection, exists, select

from stockjobs.domain.market.bars import COLUMNS, Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market.bar_rows import bars_of_rows

_COLUMNS = ("instrument_id", *COLUMNS)
"""What `bars_of` gives, in this order."""

_FACTOR = "split_factor"


@dataclass(frozen=True)
class Selection:
    """Which rows are meant: of some instruments, at one interval, with start ≤ at < end, UTC.

    `landing` is the number of a landing: as the bars were when it had been written; None for now.
    """

    instruments: Sequence[int]
    interval: Interval
    start: datetime | None = None
    end: datetime | None = None
    landing: int | None = None


@dataclass(frozen=True)
class Before:
    """Before what the close before a payout lies: `day` for daily bars, `own` for those of the interval that is read.

    All in epoch seconds; `at` is when it was paid.
    """

    instrument: int
    at: int
    day: int
    own: int


@dataclass(frozen=True)
class Dialect:
    """How a database spells an instant of the market data."""

    is_postgresql: bool

    def instant(self, at: datetime) -> str:
        """An instant as a bound; bars stand at whole seconds, so those from a broken second on are those from the next."""
        return f"timestamptz '{at.astimezone(UTC).isoformat()}'" if self.is_postgresql else str(ceil(at.timestamp()))


def bars_of(selection: Selection, dialect: Dialect, *, as_traded: bool, in_order: bool) -> str:
    """Asks for bars: `_COLUMNS`, and the split factor where they are wanted as traded. In order: by instrument and time."""
    columns = (*_COLUMNS, _FACTOR) if as_traded else _COLUMNS
    order = " ORDER BY instrument_id, at" if in_order else ""
    return _known("bars", columns, _conditions(selection, dialect), selection.landing) + order


def payouts_of(selection: Selection, dialect: Dialect) -> str:
    """Asks for what was paid out since the selection's start, oldest first: instrument_id, at, and the amount as it was paid,
    for a share of that day.
    """
    since = f" AND at >= {dialect.instant(selection.start)}" if selection.start else ""
    return f"""SELECT instrument_id, at, sum(value * split_factor) AS amount FROM corporate_actions
WHERE kind IN ('dividend', 'capital_gain') AND {_among(selection)}{since} AND {_so(selection)}
GROUP BY instrument_id, at ORDER BY instrument_id, at"""


def closes_before(selection: Selection, dialect: Dialect, eves: Sequence[Before]) -> str:
    """Asks for the last closes before payouts, as traded, each with its time: instrument_id, at, then close and close_at of
    daily bars, own_close and own_at of those of the selection's interval.
    """
    if dialect.is_postgresql:
        rows = ", ".join(
            f"({one.instrument}, {one.at}, to_timestamp({one.day}), to_timestamp({one.own}))" for one in eves
        )
    else:
        rows = ", ".join(f"({one.instrument}, {one.at}, {one.day}, {one.own})" for one in eves)
    daily, own = Interval.D1.seconds, selection.interval.seconds
    closes = [
        _last_before(what, seconds, before, selection.landing)
        for seconds, before in ((daily, "day"), (own, "own"))
        for what in ("close * split_factor", "at")
    ]
    columns = (
        f"{one} AS {name}" for one, name in zip(closes, ("close", "close_at", "own_close", "own_at"), strict=True)
    )
    return f"""WITH eves (instrument_id, at, day, own) AS (VALUES {rows})
SELECT instrument_id, at, {", ".join(columns)} FROM eves"""


def splits_of(selection: Selection) -> str:
    """Asks for the splits of the selection's instruments, oldest first: instrument_id, at, ratio."""
    return f"""SELECT instrument_id, at, value AS ratio FROM corporate_actions
WHERE kind = 'split' AND {_among(selection)} AND {_so(selection)} ORDER BY instrument_id, at"""


def _so(selection: Selection) -> str:
    """That an action is so now, or was when a landing had been written."""
    landing = selection.landing
    if landing is None:
        return "replaced_by IS NULL"
    return f"landing_id <= {landing} AND (replaced_by IS NULL OR replaced_by > {landing})"


def _last_before(what: str, seconds: int, before: str, landing: int | None) -> str:
    conditions = f"instrument_id = eves.instrument_id AND interval_s = {seconds} AND at < eves.{before}"
    known = _known("bars", ("at", "close", _FACTOR), conditions, landing)
    return f"(SELECT {what} FROM ({known}) AS before ORDER BY at DESC LIMIT 1)"


def _known(table: str, columns: Sequence[str], conditions: str, landing: int | None) -> str:
    now = f"SELECT {', '.join(columns)} FROM {table} WHERE {conditions}"
    if landing is None:
        return now
    then = f"SELECT {', '.join(columns)} FROM bar_versions WHERE {conditions}"
    return f"{now} AND landing_id <= {landing} UNION ALL {then} AND landing_id <= {landing} AND replaced_by > {landing}"


def _conditions(selection: Selection, dialect: Dialect) -> str:
    conditions = [_among(selection), f"interval_s = {selection.interval.seconds}"]
    if selection.start is not None:
        conditions.append(f"at >= {dialect.instant(selection.start)}")
    if selection.end is not None:
        conditions.append(f"at < {dialect.instant(selection.end)}")
    return " AND ".join(conditions)


def _among(selection: Selection) -> str:
    return f"instrument_id IN ({', '.join(str(int(one)) for one in selection.instruments)})"


def symbols_with(connection: Connection, provider: str, interval: Interval) -> Sequence[str]:
    """The present symbols of a provider of which there are bars at an interval, in the order of their instruments."""
    symbols, bars = tables.symbols, tables.bars
    has_bars = exists().where(bars.c.instrument_id == symbols.c.instrument_id, bars.c.interval_s == interval.seconds)
    query = select(symbols.c.symbol).where(symbols.c.provider == provider, symbols.c.valid_to.is_(None), has_bars)
    return connection.scalars(query.order_by(symbols.c.instrument_id, symbols.c.symbol)).all()


def read(
    connection: Connection, instrument: int, interval: Interval, start: datetime | None, end: datetime | None
) -> Bars:
    """The stored bars of an instrument with start ≤ at < end, oldest first, as values; for a few, as tests and pages show."""
    table = tables.bars
    query = select(*(table.c[name] for name in COLUMNS)).where(
        table.c.instrument_id == instrument, table.c.interval_s == interval.seconds
    )
    if start is not None:
        query = query.where(table.c.at >= start)
    if end is not None:
        query = query.where(table.c.at < end)
    return bars_of_rows(connection.execute(query.order_by(table.c.at)).all())
