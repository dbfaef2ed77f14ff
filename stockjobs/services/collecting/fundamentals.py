"""Whose fundamentals are asked for: those that can have changed since their source last answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stockjobs.domain.asking.planning import Skip
from stockjobs.domain.asking.reporting import ask_at
from stockjobs.domain.work.jobs import Mode
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import facts


def facts_of(connection: Connection, claim: Claim, symbols: Sequence[str], now: datetime) -> dict[str, Skip]:
    """The symbols whose fundamentals are not worth a question yet, and until when; a backfill asks for all."""
    if claim.spec.mode is Mode.BACKFILL:
        return {}
    reported = facts.reported(connection, claim.spec.provider, symbols)
    due = {symbol: ask_at(reported.get(symbol), now) for symbol in symbols}
    return {
        symbol: Skip(f"nothing new is expected before {at:%Y-%m-%d %H:%M} UTC")
        for symbol, at in due.items()
        if at > now
    }
