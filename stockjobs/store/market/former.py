"""Symbols that name nobody any more, and the instruments that bore them last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from stockjobs.store import tables
from stockjobs.store.market.instruments import Instrument

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


def formerly(connection: Connection, provider: str, wanted: Sequence[str]) -> dict[str, Former]:
    """Of symbols that name nobody now, the last that bore each; those that never were a name are left out."""
    if not wanted:
        return {}
    query = (
        select(_instruments, _symbols.c.symbol, _symbols.c.valid_to)
        .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
        .where(_symbols.c.provider == provider, _symbols.c.symbol.in_(wanted))
        # The last row of each counts, and what still is a name is no former one.
        .order_by(_symbols.c.valid_from)
    )
    last = {row["symbol"]: row for row in connection.execute(query).mappings()}
    rows = {symbol: row for symbol, row in last.items() if row["valid_to"] is not None}
    successors = _successors(connection, provider, [row["id"] for row in rows.values()])
    fields = Instrument.__dataclass_fields__
    return {
        symbol: Former(
            symbol, Instrument(**{name: row[name] for name in fields}), row["valid_to"], successors.get(row["id"])
        )
        for symbol, row in rows.items()
    }


def _successors(connection: Connection, provider: str, instruments: Sequence[int]) -> dict[int, str]:
    """What instruments are called now."""
    query = select(_symbols.c.instrument_id, _symbols.c.symbol).where(
        _symbols.c.provider == provider, _symbols.c.instrument_id.in_(instruments), _symbols.c.valid_to.is_(None)
    )
    return {row.instrument_id: row.symbol for row in connection.execute(query)} if instruments else {}
