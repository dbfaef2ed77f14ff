"""Instruments, and the symbols that name them for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from stockjobs.domain import ids
from stockjobs.domain.bars import Identity
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent

_instruments, _symbols = tables.instruments, tables.symbols


@dataclass(frozen=True)
class Instrument:
    """The thing that trades, as a provider names it now."""

    id: int
    symbol: str
    exchange: str
    zone: str
    currency: str
    unit: float
    kind: str
    name: str


def by_symbol(connection: Connection, provider: str, wanted: Sequence[str]) -> dict[str, Instrument]:
    """The instruments that bear these symbols at a provider now; unknown symbols are left out."""
    query = (
        select(_instruments, _symbols.c.symbol)
        .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
        .where(_symbols.c.provider == provider, _symbols.c.symbol.in_(wanted), _symbols.c.valid_to.is_(None))
    )
    names = Instrument.__dataclass_fields__
    return {
        row["symbol"]: Instrument(**{name: row[name] for name in names}) for row in connection.execute(query).mappings()
    }


def ensure(connection: Connection, provider: str, identity: Identity, now: datetime) -> Instrument:
    """The instrument that bears a symbol, made from what the provider says of it if it is new."""
    known = by_symbol(connection, provider, [identity.symbol]).get(identity.symbol)
    if known is not None and (known.exchange or not identity.exchange):
        return known
    if known is not None:
        return _describe(connection, known, identity)
    uid = ids.instrument_uid(provider, identity.exchange, identity.symbol, identity.first_trade_at)
    insert_if_absent(connection, _instruments, [{"uid": uid, "created_at": now, **_described(identity)}])
    instrument = connection.execute(select(_instruments.c.id).where(_instruments.c.uid == uid)).scalar_one()
    name = {"provider": provider, "symbol": identity.symbol, "valid_from": now, "instrument_id": instrument}
    insert_if_absent(connection, _symbols, [name])
    return by_symbol(connection, provider, [identity.symbol])[identity.symbol]


def _describe(connection: Connection, known: Instrument, identity: Identity) -> Instrument:
    # Its fundamentals came first, and did not say where it trades.
    connection.execute(update(_instruments).where(_instruments.c.id == known.id).values(_described(identity)))
    return replace(known, **{name: value for name, value in _described(identity).items() if name != "first_trade_at"})


def _described(identity: Identity) -> dict[str, Any]:
    return {
        name: getattr(identity, name)
        for name in ("exchange", "zone", "currency", "unit", "kind", "name", "first_trade_at")
    }
