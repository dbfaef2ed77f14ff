"""The providers by their names."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from stockjobs.domain.intervals import Interval
from stockjobs.domain.limits import Limits
from stockjobs.errors import InvalidInput
from stockjobs.providers.base import Provider
from stockjobs.providers.yahoo import limits as yahoo_limits
from stockjobs.providers.yahoo.options import YahooOptions

NAMES = ("yahoo",)

# Not imported above: yfinance takes some seconds, which only those should pay who download.
_YAHOO = "stockjobs.providers.yahoo.provider"


def open_provider(name: str, options: YahooOptions | None = None) -> Provider:
    """The provider of that name; it connects at its first call. Raises `InvalidInput` for an unknown name."""
    check_name(name)
    provider: Provider = import_module(_YAHOO).YahooProvider(options or YahooOptions())
    return provider


def preload(name: str) -> None:
    """Import what the provider needs, without opening anything: done before a fork, it is paid for once."""
    check_name(name)
    import_module(_YAHOO)


def limits(name: str, interval: Interval) -> Limits:
    """What the provider serves of an interval, without importing or opening it."""
    check_name(name)
    return yahoo_limits.limits(interval)


def check_name(name: str, where: str = "provider") -> None:
    """Raise `InvalidInput`, with the nearest name, when there is no such provider."""
    if name in NAMES:
        return
    nearest = get_close_matches(name.lower(), NAMES, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(NAMES)}"
    raise InvalidInput.because(where, f"there is no provider {name[:40]!r}", hint)
