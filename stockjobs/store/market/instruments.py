"""Instruments, and the symbols that name them for a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, union_all, update

from stockjobs.domain import ids
from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent, is_among, is_in

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
    first_trade_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """What is known of it, as a provider would say it."""
        names = Identity.__dataclass_fields__
        return Identity(**{name: getattr(self, name) for name in names})


# Made once, as it is asked twice an attempt.
_BY_SYMBOL = (
    select(*((_symbols if name == "symbol" else _instruments).c[name] for name in Instrument.__dataclass_fields__))
    .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
    .where(_symbols.c.provider == bindparam("of"), is_among(_symbols.c.symbol, "wanted"), _symbols.c.valid_to.is_(None))
)


def by_symbol(connection: Connection, provider: str, wanted: Sequence[str]) -> dict[str, Instrument]:
    """The instruments that bear these symbols at a provider now; unknown symbols are left out."""
    found = connection.execute(_BY_SYMBOL, {"of": provider, "wanted": list(wanted)})
    return {row.symbol: Instrument(*row) for row in found}


def markets(connection: Connection, which: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Where instruments trade: exchange and zone."""
    query = select(_instruments.c.id, _instruments.c.exchange, _instruments.c.zone).where(
        is_in(_instruments.c.id, which)
    )
    return {row.id: (row.exchange, row.zone) for row in connection.execute(query)}


def ensure(connection: Connection, provider: str, identity: Identity, now: datetime) -> Instrument:
    """The instrument that bears a symbol, made from what the provider says of it if it is new."""
    return ensure_all(connection, provider, [identity], now)[identity.symbol]


def ensure_all(
    connection: Connection, provider: str, identities: Sequence[Identity], now: datetime
) -> dict[str, Instrument]:
    """The same for many by their symbols; of several that bear one symbol the first makes it."""
    each = {identity.symbol: identity for identity in reversed(identities)}
    known = by_symbol(connection, provider, list(each))
    # In one order, so that of two who make the same neither holds what the other wants.
    new = [each[symbol] for symbol in sorted({*each} - {*known})]
    if not new:
        return known
    _entitle(connection, provider, _created(connection, provider, new, now), now)
    return {**known, **by_symbol(connection, provider, [identity.symbol for identity in new])}


def describe(connection: Connection, known: Instrument, changes: Mapping[str, object]) -> Instrument:
    """Write what is known anew of an instrument."""
    connection.execute(update(_instruments).where(_instruments.c.id == known.id).values(dict(changes)))
    return replace(known, **changes)  # type: ignore[arg-type]  # fields of both


def reassign(
    connection: Connection, provider: str, former: Instrument, identity: Identity, now: datetime
) -> Instrument:
    """Give a symbol to another instrument, made from what the provider says of it; the former one has borne it until now."""
    if unname(connection, provider, former.symbol, now):
        _entitle(connection, provider, _created(connection, provider, [identity], now), now)
    # Whoever was first has named it.
    return by_symbol(connection, provider, [identity.symbol])[identity.symbol]


def redenominate(
    connection: Connection, provider: str, former: Instrument, identity: Identity, now: datetime
) -> Instrument:
    """Give a symbol to the instrument that goes on in another currency; the former one has borne it until now."""
    uid = ids.instrument_uid(provider, identity.exchange, identity.symbol, identity.first_trade_at, identity.currency)
    insert_if_absent(connection, _instruments, [{"uid": uid, "created_at": now, **_described(identity)}])
    number = connection.execute(select(_instruments.c.id).where(_instruments.c.uid == uid)).scalar_one()
    return hand_over(connection, provider, former, number, now)


def hand_over(connection: Connection, provider: str, former: Instrument, to: int, now: datetime) -> Instrument:
    """Give the symbol of an instrument to another one, which has no other name from then on."""
    unname(connection, provider, former.symbol, now)
    its_own = (_symbols.c.provider == provider, _symbols.c.instrument_id == to, _symbols.c.valid_to.is_(None))
    connection.execute(update(_symbols).where(*its_own).values(valid_to=now))
    _entitle(connection, provider, {former.symbol: to}, now)
    return by_symbol(connection, provider, [former.symbol])[former.symbol]


def unname(connection: Connection, provider: str, symbol: str, at: datetime) -> bool:
    """Let a symbol name nobody from then on. False if it named nobody."""
    which = (_symbols.c.provider == provider, _symbols.c.symbol == symbol, _symbols.c.valid_to.is_(None))
    return connection.execute(update(_symbols).where(*which).values(valid_to=at)).rowcount > 0


def newest_bar(connection: Connection, instrument: int) -> datetime | None:
    """The newest stored bar of an instrument, of whatever interval."""
    bars = tables.bars
    # One look into the index for each interval; over all of them at once every bar would be read.
    newest = union_all(
        *(
            select(func.max(bars.c.at).label("at")).where(
                bars.c.instrument_id == instrument, bars.c.interval_s == interval.seconds
            )
            for interval in Interval
        )
    ).subquery()
    return connection.execute(select(func.max(newest.c.at))).scalar()


@dataclass(frozen=True)
class Name:
    """A symbol that named an instrument at a provider for a time; `valid_to` is None while it does."""

    provider: str
    symbol: str
    valid_from: datetime
    valid_to: datetime | None
    instrument: Instrument
    uid: UUID


def names(connection: Connection, symbols: Sequence[str] = ()) -> list[Name]:
    """All names, or those of the instruments that bear or bore some symbols, each instrument's in the order of time."""
    query = select(_instruments, _symbols).join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
    if symbols:
        meant = select(_symbols.c.instrument_id).where(is_in(_symbols.c.symbol, symbols))
        query = query.where(_instruments.c.id.in_(meant))
    ordered = query.order_by(_symbols.c.provider, _instruments.c.id, _symbols.c.valid_from)
    return [_name_of(dict(row)) for row in connection.execute(ordered).mappings()]


def _name_of(row: Mapping[str, Any]) -> Name:
    instrument = Instrument(**{name: row[name] for name in Instrument.__dataclass_fields__})
    return Name(row["provider"], row["symbol"], row["valid_from"], row["valid_to"], instrument, row["uid"])


def _created(connection: Connection, provider: str, identities: Sequence[Identity], now: datetime) -> dict[str, int]:
    """The numbers of instruments that nobody bore, by the symbols that they are to bear."""
    uids = {ids.instrument_uid(provider, one.exchange, one.symbol, one.first_trade_at): one for one in identities}
    rows = [{"uid": uid, "created_at": now, **_described(one)} for uid, one in uids.items()]
    insert_if_absent(connection, _instruments, rows)
    made = select(_instruments.c.uid, _instruments.c.id).where(is_in(_instruments.c.uid, uids))
    return {uids[uid].symbol: instrument for uid, instrument in connection.execute(made)}


def entitle(connection: Connection, provider: str, symbol: str, instrument: int, at: datetime) -> bool:
    """Let a symbol that names nobody name an instrument from then on. False if somebody was first."""
    return _entitle(connection, provider, {symbol: instrument}, at) == 1


def _entitle(connection: Connection, provider: str, instruments: Mapping[str, int], at: datetime) -> int:
    common = {"provider": provider, "valid_from": at}
    rows = [{**common, "symbol": symbol, "instrument_id": instruments[symbol]} for symbol in sorted(instruments)]
    return insert_if_absent(connection, _symbols, rows)


def _described(identity: Identity) -> dict[str, Any]:
    return {
        name: getattr(identity, name)
        for name in ("exchange", "zone", "currency", "unit", "kind", "name", "first_trade_at")
    }
