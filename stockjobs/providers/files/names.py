"""What the name of a file says: which symbol, and which interval."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stockjobs.domain.market.intervals import Interval

_WORDS = {**{interval.value: interval for interval in Interval}, "60m": Interval.H1, "1w": Interval.W1}
_ANY = "|".join(_WORDS)
_NAME = re.compile(rf"(?P<symbol>.+?)[-_](?P<interval>{_ANY})(?:[-_](?P<note>.+))?", re.IGNORECASE)


@dataclass(frozen=True)
class FileName:
    """The name of a file without its ending: `4063-T-1d-as-served` is 4063-T, one day, with a note."""

    symbol: str
    interval: Interval | None
    has_note: bool = False


def parse_name(stem: str) -> FileName:
    """What a name says; one without an interval is a symbol and nothing else."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return FileName(stem.upper(), None)
    return FileName(match["symbol"].upper(), _WORDS[match["interval"].lower()], match["note"] is not None)


def interval_of(word: str) -> Interval | None:
    """The interval that a folder, or a file of many symbols, is named after."""
    return _WORDS.get(word.lower())


def spellings(symbol: str) -> tuple[str, ...]:
    """How a symbol may be written in a file's name, the likeliest first: VOD.L as VOD.L, VOD-L or VOD_L."""
    return tuple(dict.fromkeys((symbol, symbol.replace(".", "-"), symbol.replace(".", "_"))))
