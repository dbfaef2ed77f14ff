"""Whom an answer is about: the instrument that it is landed on, or the reason for which it is landed on none."""

from __future__ import annotations

from datetime import datetime

from stockjobs.domain.bars import Identity
from stockjobs.store import instruments
from stockjobs.store.database import Connection
from stockjobs.store.instruments import Instrument


def recognise(connection: Connection, provider: str, identity: Identity, now: datetime) -> tuple[Instrument, str]:
    """The instrument that bears the symbol of an answer, and what the answer says of it that it is not; empty if they agree."""
    instrument = instruments.ensure(connection, provider, identity, now)
    return instrument, _mismatch(instrument, identity)


def _mismatch(known: Instrument, identity: Identity) -> str:
    if (
        not known.currency
        or not identity.currency
        or (known.currency, known.unit) == (identity.currency, identity.unit)
    ):
        return ""
    came, expected = (
        f"{currency} in units of {unit:g}"
        for currency, unit in ((identity.currency, identity.unit), (known.currency, known.unit))
    )
    return f"prices came in {came}, and are kept in {expected}"
