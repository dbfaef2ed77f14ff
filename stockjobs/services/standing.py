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
    skipped = {symbol: why for symbol, one in known.items() if (why := why_not_asked(one, now))}
    names = {symbol: known[symbol].successor if symbol in known else None for symbol in claim.symbols}
    by = {symbol: successor or symbol for symbol, successor in names.items() if symbol not in skipped}
    for symbol, name in tuple(by.items()):
        if name != symbol and name in claim.symbols:
            skipped[symbol] = f"it was renamed to {name}, which is asked for too"
            del by[symbol]
    return Asked(by, skipped)
