"""By which symbol each of a job is asked for, and who is not: the dead are left out, the renamed have another symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stockjobs.domain.market.symbol_health import why_not_asked
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import health


@dataclass(frozen=True)
class Asked:
    """How the symbols of a task are asked for: by which symbol each, and why some are not."""

    by: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def names_of(connection: Connection, provider: str, symbols: Sequence[str]) -> dict[str, str]:
    """By which symbol the instrument of each is asked for now, in their order.

    Of several that are one instrument's only one is kept, that by which it is asked for if it is among them.
    """
    renamed, named = health.successors(connection, provider), {*symbols}
    bearers: dict[str, str] = {}
    for symbol in symbols:
        name = renamed.get(symbol, symbol)
        if name == symbol or name not in named:
            bearers.setdefault(name, symbol)
    return {symbol: name for name, symbol in bearers.items()}


def asked_as(connection: Connection, claim: Claim, now: datetime) -> Asked:
    """Leave out who is dead, and ask for who was renamed by its new symbol."""
    known = health.of(connection, claim.spec.provider, claim.symbols)
    renamed = {symbol: one.successor for symbol, one in known.items() if one.successor}
    if renamed:
        known = {**known, **health.of(connection, claim.spec.provider, list(renamed.values()))}
    names = {symbol: renamed.get(symbol, symbol) for symbol in claim.symbols}
    whys = {symbol: why_not_asked(known[name], now) for symbol, name in names.items() if name in known}
    skipped = {symbol: why for symbol, why in whys.items() if why}
    by = {symbol: name for symbol, name in names.items() if symbol not in skipped}
    for symbol, name in tuple(by.items()):
        if name != symbol and name in claim.symbols:
            skipped[symbol] = f"it was renamed to {name}, which is asked for too"
            del by[symbol]
    return Asked(by, skipped)
