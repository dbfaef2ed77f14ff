"""Whether an answer is about the instrument that bears its symbol: the same, changed, another one, or one in other units."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.bars import Identity

_NOTED = ("exchange", "zone", "kind")
_DESCRIBED = (*_NOTED, "name", "first_trade_at")
_TEXTS = ("exchange", "zone", "currency", "kind", "name")
_UNSTORABLE = frozenset({"Cc", "Cs"})
"""Control characters, and halves of others: no database takes all of them."""

_AHEAD = timedelta(days=2)
"""Clocks and zones differ."""


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
    """It is not, or not in the units that are kept: none of it can be used. The reason is said of what came: prices, figures."""

    reason: str


@dataclass(frozen=True)
class Sound:
    """What of an identity can be, and why the rest was left out; empty if nothing was."""

    identity: Identity
    left_out: str = ""


def sound(said: Identity, now: datetime) -> Sound:
    """Leave out of an identity what cannot be: control characters, a zone that nobody knows, a unit that is none, a first trade
    that is to come.
    """
    wrong = {name: "has a control character" for name in _TEXTS if _is_unstorable(getattr(said, name))}
    if said.zone and "zone" not in wrong and not _is_zone(said.zone):
        wrong["zone"] = "is no zone of the IANA database"
    kept = replace(said, **dict.fromkeys(wrong, "")) if wrong else said  # type: ignore[arg-type]  # all of them texts
    if not (math.isfinite(said.unit) and said.unit > 0):
        wrong["unit"] = "is no positive number"
    if said.first_trade_at is not None and said.first_trade_at > now + _AHEAD:
        wrong["first_trade_at"] = "is in the future"
        kept = replace(kept, first_trade_at=None)
    if "unit" in wrong or "currency" in wrong:
        # Nobody knows what a price counts for: whatever is known of it stays.
        kept = replace(kept, currency="", unit=1.0)
    told = [f"its {name} {_shown(getattr(said, name))} {why}" for name, why in wrong.items()]
    return Sound(kept, "; ".join(told))


def _shown(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else shown(value)


def _is_unstorable(text: str) -> bool:
    return not text.isprintable() and any(unicodedata.category(one) in _UNSTORABLE for one in text)


@lru_cache(maxsize=1_024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


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
    return f"came in {said}, and are kept in {expected}"
