"""Why there are no bars, in words."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import BarsQuery, named_in_command

if TYPE_CHECKING:
    from stockjobs.services.market.reading import Absence


def why_none(symbol: str, query: BarsQuery, absence: Absence) -> str:
    """Why a query finds no bars of a symbol."""
    return f"{symbol}: no {query.interval} bars {_reason(symbol, query, absence)}"


def _reason(symbol: str, query: BarsQuery, absence: Absence) -> str:
    if absence.span is None:
        there = f"there are {', '.join(absence.others)} bars" if absence.others else "nor any others"
        hint = f"`stockctl backfill -s {symbol} -i {query.interval}{named_in_command(query.provider)}` collects some"
        return f"are stored; {there}: {hint}"
    form = "%Y-%m-%d %H:%MZ" if query.interval.is_intraday else "%Y-%m-%d"
    stored = f"stored are bars from {absence.span.first:{form}} to {absence.span.last:{form}}"
    landed = absence.first_landing_at
    if query.as_of is not None and landed is not None and landed > query.as_of:
        return f"were known at {_short(query.as_of)}: the first data landed at {_short(landed)}; {stored} now"
    if query.as_of is not None and absence.not_yet is not None:
        return f"were known at {_short(query.as_of)}: {absence.not_yet}; {stored} now"
    return f"{_window(query)}; {stored}" + (" now" if query.as_of else "")


def _window(query: BarsQuery) -> str:
    words = [
        *([f"from {_short(query.start)} on"] if query.start else []),
        *([f"before {_short(query.end)}"] if query.end else []),
        *([f"as known at {_short(query.as_of)}"] if query.as_of else []),
    ]
    return " ".join(words) or "are stored"


def _short(at: datetime) -> str:
    """A moment in UTC, a midnight as its day."""
    form = "%Y-%m-%d" if at.time() == time() else "%Y-%m-%d %H:%M:%SZ"
    return at.strftime(form)


def none_at_all(provider: str, interval: Interval) -> str:
    """That no symbol of a provider has such bars."""
    return f"no {interval} bars of {provider} are stored: `stockctl data` lists what is"
