"""What may stand beside the bars: what the symbols are, corporate actions, and figures of companies."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from stockjobs.domain.counting import counted
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.market.bars import CorporateAction, Fact
from stockjobs.errors import MalformedReply
from stockjobs.providers.files.columns import plain
from stockjobs.providers.files.rows import read_value
from stockjobs.providers.files.times import BadTime, read_times
from stockjobs.providers.yahoo.meta import instant

_OF_ACTIONS = ("date", "kind", "value")
_OF_FACTS = ("metric", "period", "as_of", "value")
_KINDS = ("split", "dividend", "capital_gain")
_PERIODS = ("annual", "quarterly", "trailing")

Record = dict[str, str]


def records(path: Path, needed: Sequence[str] = ()) -> tuple[Record, ...]:
    """The rows of a small CSV, by the plain names of its columns; read again when the file has changed.

    Raises `MalformedReply` where a column that is needed is not there; a file without a line needs none.
    """
    stat = path.stat()
    return _records(path, stat.st_mtime_ns, stat.st_size, tuple(needed))


@lru_cache(maxsize=64)
def _records(path: Path, changed: int, size: int, needed: Sequence[str]) -> tuple[Record, ...]:  # noqa: ARG001 - part of the key
    rows = _rows(path)
    names = [plain(name) for name in rows[0]] if rows else []
    missing = [name for name in needed if plain(name) not in names]
    if rows and missing:
        raise MalformedReply(
            f"{path}: no column for {', '.join(missing)}; its first line has to name the columns ({','.join(needed)}), "
            f"and it is {excerpt(', '.join(rows[0]))}."
        )
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise MalformedReply(
                f"{path}, row {number}: it has {counted(len(row), 'value')}, and {counted(len(names), 'column')}."
            )
    return tuple({name: cell.strip() for name, cell in zip(names, row, strict=True)} for row in rows[1:])


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.reader(file, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MalformedReply(f"{path} cannot be read: {error}") from error


def record_of(path: Path, symbol: str) -> Record | None:
    """The row of a symbol in a small CSV with a column `symbol`, the first where there are several."""
    stat = path.stat()
    return _by_symbol(path, stat.st_mtime_ns, stat.st_size).get(symbol)


@lru_cache(maxsize=8)
def _by_symbol(path: Path, changed: int, size: int) -> dict[str, Record]:
    return {record["symbol"].upper(): record for record in reversed(_records(path, changed, size, ("symbol",)))}


def read_actions(path: Path, zone: ZoneInfo | None) -> tuple[CorporateAction, ...]:
    """The actions of a file with the columns date, kind (split, dividend, capital_gain) and value. Raises `MalformedReply`."""
    return tuple(sorted(_actions(path, zone), key=lambda action: (action.at, action.kind)))


def _actions(path: Path, zone: ZoneInfo | None) -> Iterator[CorporateAction]:
    for number, record in enumerate(records(path, _OF_ACTIONS), start=2):
        where = f"{path}, row {number}"
        kind = record.get("kind", "").lower().replace(" ", "_")
        if kind not in _KINDS:
            raise MalformedReply(f"{where}, the kind: {excerpt(kind)} is none of {', '.join(_KINDS)}.")
        try:
            at = instant(int(read_times([record.get("date", "")], zone).at[0]))
        except BadTime as error:
            raise MalformedReply(f"{where}, the date: {excerpt(record.get('date', ''))}: {error}") from error
        yield CorporateAction(kind, at, read_value(kind, record.get("value"), where))


def read_facts(path: Path) -> tuple[Fact, ...]:
    """The figures of a file with the columns metric, period, as_of, value and currency. Raises `MalformedReply`."""
    told = records(path, _OF_FACTS)
    return tuple(_fact(record, f"{path}, row {number}") for number, record in enumerate(told, start=2))


def _fact(record: Record, where: str) -> Fact:
    try:
        period = record["period"].lower()
        if period not in _PERIODS:
            raise ValueError(f"the period {excerpt(period)} is none of {', '.join(_PERIODS)}")
        as_of = date.fromisoformat(record["as of"])
        return Fact(record["metric"], period, as_of, float(record["value"]), record.get("currency", ""))
    except ValueError as error:
        raise MalformedReply(f"{where}: {error}") from error
