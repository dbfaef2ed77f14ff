"""The rows of a file as bars and actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars, CorporateAction, Prices, Seconds
from stockjobs.errors import MalformedReply
from stockjobs.providers.files.times import BadTime, Times, read_times
from stockjobs.providers.yahoo.meta import instant

_HEADER_AND_ONE = 2
_BEYOND = 2.0**63
_NO_ACTION = frozenset((None, 0.0, "", "0", "0.0"))


@dataclass(frozen=True, eq=False)
class Rows:
    """What a file holds: bars oldest first, all marked as final, actions oldest first, and how its times were written."""

    bars: Bars
    actions: tuple[CorporateAction, ...]
    offsets: tuple[timedelta, ...]
    times: Times


def rows_of(table: pa.Table, zone: ZoneInfo | None, path: Path) -> Rows:
    """The rows of a table (see `tables`). Raises `MalformedReply` naming file, row and column."""
    times = _times(table, zone, path)
    order = np.argsort(times.at, kind="stable")
    opened, high, low, close = (_floats(table, name)[order] for name in PRICES)
    volume, is_open = _volume(table, path)[order], np.zeros(len(order), dtype=np.bool_)
    bars = Bars(times.at[order], opened, high, low, close, volume, is_open)
    return Rows(bars, _actions(table, times, path), times.offsets, times)


def _times(table: pa.Table, zone: ZoneInfo | None, path: Path) -> Times:
    values = _plain_times(table["time"])
    if "clock" in table.column_names:
        clocks = table["clock"].cast(pa.string()).to_pylist()
        values = [f"{day} {clock}" for day, clock in zip(values, clocks, strict=True)]
    try:
        return read_times(values, zone)
    except BadTime as error:
        where = f"{path}, row {error.row + _HEADER_AND_ONE}, the time"
        raise MalformedReply(f"{where}: {shown(values[error.row])} cannot be used: {error}") from error


def _plain_times(column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_timestamp(column.type):
        # Nanoseconds are more than a datetime can tell.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[object] = column.to_pylist()
    return values


def _floats(table: pa.Table, name: str) -> Prices:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _volume(table: pa.Table, path: Path) -> Seconds:
    if "volume" not in table.column_names:
        return np.full(len(table), NO_VOLUME, dtype=np.int64)
    volume = np.round(_floats(table, "volume"))
    huge = np.flatnonzero(np.abs(volume) >= _BEYOND)
    if len(huge):
        row = int(huge[0])
        raise MalformedReply(f"{path}, row {row + _HEADER_AND_ONE}, the volume: {volume[row]:g} is beyond any volume.")
    return np.where(np.isnan(volume), NO_VOLUME, volume).astype(np.int64)


def _actions(table: pa.Table, times: Times, path: Path) -> tuple[CorporateAction, ...]:
    found = []
    for kind in ("split", "dividend", "capital_gain"):
        values = table[kind].to_pylist() if kind in table.column_names else ()
        for row, value in enumerate(values):
            if value in _NO_ACTION:
                # As on nearly all days.
                continue
            amount = read_value(kind, value, f"{path}, row {row + _HEADER_AND_ONE}")
            if amount:
                found.append(CorporateAction(kind, _moment(times, row), amount))
    return tuple(sorted(found, key=lambda action: (action.at, action.kind)))


def _moment(times: Times, row: int) -> datetime:
    return instant(int(times.at[row]))


def read_value(kind: str, value: object, where: str) -> float:
    """The value of an action, 0 for none; a split may be written as 4, 4:1 or 4/1. Raises `MalformedReply`."""
    if value is None or value == "":
        return 0.0
    try:
        new, _, old = str(value).replace("/", ":").partition(":")
        amount = float(new) / float(old or 1)
    except (ValueError, ZeroDivisionError) as error:
        raise MalformedReply(f"{where}, the {kind}: {shown(value)} is no number.") from error
    if not np.isfinite(amount):
        return 0.0
    if kind == "split" and amount < 0:
        raise MalformedReply(f"{where}, the split: {shown(value)} is no ratio of shares.")
    return amount
