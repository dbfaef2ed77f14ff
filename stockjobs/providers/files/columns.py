"""The columns of a file, by what they mean rather than by how whoever sold it named them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stockjobs.domain.market.bars import PRICES
from stockjobs.errors import MalformedReply

_WORDS = {
    "time": ("datetime", "timestamp", "at", "date", "day", "time", "", "index level 0", "unnamed: 0"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("volume", "vol", "v"),
    "dividend": ("dividends", "dividend"),
    "split": ("stock splits", "splits", "split", "split ratio"),
    "capital_gain": ("capital gains", "capital gain"),
    "symbol": ("symbol", "ticker"),
}


def plain(name: str) -> str:
    """A column's name without capitals and decoration: `<DATE>` is date, `Stock_Splits` is stock splits."""
    return name.strip(" <>\"'\ufeff").replace("_", " ").strip().lower()


def columns_of(names: Sequence[str], path: Path) -> dict[str, str]:
    """The name of the column for each meaning; `clock` is the time of day where the date stands apart.

    Raises `MalformedReply` where a time or a price has no column.
    """
    by_word: dict[str, str] = {}
    for name in names:
        by_word.setdefault(plain(name), name)
    found = {
        meaning: next(by_word[word] for word in words if word in by_word)
        for meaning, words in _WORDS.items()
        if any(word in by_word for word in words)
    }
    if "date" in by_word and "time" in by_word and found["time"] == by_word["date"]:
        found["clock"] = by_word["time"]
    missing = [meaning for meaning in ("time", *PRICES) if meaning not in found]
    if missing:
        shown = ", ".join(names[:12])
        raise MalformedReply(f"{path}: no column for {' and '.join(missing)}; it has {shown}.")
    return found
