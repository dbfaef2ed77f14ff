"""By which symbol each of a task is asked for, and who is not: the dead are left out, the renamed have another symbol."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stockjobs.domain.symbol_health import why_not_asked
from stockjobs.store import health
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection


@dataclass(frozen=True)
class Asked:
    """How the symbols of a task are asked for: by which symbol each, and why some are not."""

    by: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


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
