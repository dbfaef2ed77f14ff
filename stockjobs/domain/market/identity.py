"""Whether an answer is about the instrument that bears its symbol: the same, changed, another one, or one in other units."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stockjobs.domain.market.bars import Identity

_NOTED = ("exchange", "zone", "kind")
_DESCRIBED = (*_NOTED, "name", "first_trade_at")


@dataclass(frozen=True)
class Same:
    """It is: `changes` is what is known anew of the instrument; `told` the part of it that somebody should know of."""

    changes: dict[str, object] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True)
class Another:
    """It is about another instrument, which bears the symbol now."""

    reason: str


@dataclass(frozen=True)
class Stranger:
    """It is not, or not in the units that are kept: none of it can be used."""

    reason: str


def may_be_another(known: Identity, came: Identity) -> bool:
    """True if it takes a look at the stored bars to tell whether an answer is about the same instrument."""
    return came.first_trade_at is not None and came.first_trade_at != known.first_trade_at


def compare(known: Identity, came: Identity, newest: datetime | None) -> Same | Another | Stranger:
    """What an answer is about; `newest` is the newest stored bar of the known instrument, None where there is none.

    A symbol has gone to another instrument when that was first traded after all that is stored: nothing trades before it does.
    """
    if may_be_another(known, came) and newest is not None and came.first_trade_at and newest < came.first_trade_at:
        days = f"first traded on {came.first_trade_at:%Y-%m-%d}, and the newest stored bar is of {newest:%Y-%m-%d}"
        return Another(f"{came.symbol} is the name of another instrument now: it was {days}")
    mismatch = _mismatch(known, came)
    if mismatch:
        return Stranger(mismatch)
    changes = {name: value for name in _DESCRIBED if (value := getattr(came, name)) and value != getattr(known, name)}
    if known.first_trade_at is not None:
        # Sources cut their history off; what is known of the beginning stays.
        changes.pop("first_trade_at", None)
    told = [
        f"{name} {getattr(known, name)} is {came_value} now"
        for name in _NOTED
        if (came_value := changes.get(name)) and getattr(known, name)
    ]
    units = {} if known.currency or not came.currency else {"currency": came.currency, "unit": came.unit}
    return Same({**changes, **units}, "; ".join(told))


def _mismatch(known: Identity, came: Identity) -> str:
    if not known.currency or not came.currency or (known.currency, known.unit) == (came.currency, came.unit):
        return ""
    said, expected = (f"{one.currency} in units of {one.unit:g}" for one in (came, known))
    return f"prices came in {said}, and are kept in {expected}"
