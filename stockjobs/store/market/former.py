"""Symbols that name nobody any more, and the instruments that bore them last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from stockjobs.store import tables
from stockjobs.store.market.instruments import Instrument
from stockjobs.store.statements import is_in

_instruments, _symbols = tables.instruments, tables.symbols


@dataclass(frozen=True)
class Former:
    """A symbol that its instrument bore until a moment; `successor` is what that is called now, None if it has no name."""

    symbol: str
    instrument: Instrument
    until: datetime
    successor: str | None

    def __str__(self) -> str:
        became = f"it is {self.successor} now" if self.successor else "what it named has no name now"
        return f"{self.symbol} was a name until {self.until:%Y-%m-%d}: {became}"


@dataclass(frozen=True)
class NotYet:
    """A symbol that names what it does only since a moment, and what it named before; None where it named nothing."""

    symbol: str
    since: datetime
    before: Former | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.symbol} is a name since {self.since:%Y-%m-%d %H:%M:%SZ}"
        until = f"named another instrument until {self.before.until:%Y-%m-%d %H:%M:%SZ}"
        is_called = f"is {self.before.successor} now" if self.before.successor else "has no name now"
        return f"{self.symbol} {until}, which {is_called} (`stockctl symbols {self.symbol}` shows both)"


def formerly(connection: Connection, provider: str, wanted: Sequence[str]) -> dict[str, Former]:
    """Of symbols that name nobody now, the last that bore each; those that never were a name are left out."""
    if not wanted:
        return {}
    query = (
        select(_instruments, _symbols.c.symbol, _symbols.c.valid_to)
        .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
        .where(_symbols.c.provider == provider, is_in(_symbols.c.symbol, wanted))
        # The last row of each counts, and what still is a name is no former one.
        .order_by(_symbols.c.valid_from)
    )
    last = {row["symbol"]: row for row in connection.execute(query).mappings()}
    return _former(connection, provider, {symbol: row for symbol, row in last.items() if row["valid_to"] is not None})


def _former(connection: Connection, provider: str, rows: Mapping[str, RowMapping]) -> dict[str, Former]:
    """What rows of names that have ended say."""
    successors = _successors(connection, provider, [row["id"] for row in rows.values()])
    fields = Instrument.__dataclass_fields__
    return {
        symbol: Former(
            symbol, Instrument(**{name: row[name] for name in fields}), row["valid_to"], successors.get(row["id"])
        )
        for symbol, row in rows.items()
    }


def not_yet(connection: Connection, provider: str, wanted: Sequence[str], at: datetime) -> dict[str, NotYet]:
    """Of symbols those that at a moment did not name yet what they name now, or named last.

    One that named nothing then is left out if what it names now bore another name.
    """
    if not wanted:
        return {}
    query = (
        select(_instruments, _symbols.c.symbol, _symbols.c.valid_from, _symbols.c.valid_to)
        .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
        .where(_symbols.c.provider == provider, is_in(_symbols.c.symbol, wanted))
        .order_by(_symbols.c.symbol, _symbols.c.valid_from)
    )
    rows = list(connection.execute(query).mappings())
    late = {symbol: row for symbol, row in {row["symbol"]: row for row in rows}.items() if row["valid_from"] > at}
    past = {row["symbol"]: row for row in rows if row["symbol"] in late and row["valid_from"] <= at < row["valid_to"]}
    before = _former(connection, provider, past)
    named = _named_at(connection, [row["id"] for symbol, row in late.items() if symbol not in past], at)
    return {
        symbol: NotYet(symbol, row["valid_from"], before.get(symbol))
        for symbol, row in late.items()
        if row["id"] not in named and (symbol not in past or past[symbol]["id"] != row["id"])
    }


def _named_at(connection: Connection, instruments: Sequence[int], at: datetime) -> set[int]:
    """Those of some instruments that bore a name at a moment, or before."""
    which = (is_in(_symbols.c.instrument_id, instruments), _symbols.c.valid_from <= at)
    return {*connection.execute(select(_symbols.c.instrument_id).where(*which)).scalars()} if instruments else set()


def _successors(connection: Connection, provider: str, instruments: Sequence[int]) -> dict[int, str]:
    """What instruments are called now."""
    query = select(_symbols.c.instrument_id, _symbols.c.symbol).where(
        _symbols.c.provider == provider, is_in(_symbols.c.instrument_id, instruments), _symbols.c.valid_to.is_(None)
    )
    return {row.instrument_id: row.symbol for row in connection.execute(query)} if instruments else {}
