"""The grammar of symbols: what may stand where a ticker is expected.

A symbol ends up in the path of a URL, so the grammar is narrow and a text outside of it is refused rather than mended.
"""

from __future__ import annotations

import re

from stockjobs.domain.excerpts import excerpt, shown
from stockjobs.errors import InvalidInput

MAX_LENGTH = 25

_GRAMMAR = re.compile(r"\^?[A-Z0-9][A-Z0-9.=&\-]{0,23}")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_EXAMPLES = "a symbol looks like AAPL, BRK-B, ^GSPC, EURUSD=X or 005930.KS"


def normalise(text: str, where: str = "symbol") -> str:
    """The symbol in capitals without surrounding blanks; nothing else is changed.

    Raises `InvalidInput` with the reason when the text is no symbol; `where` names its place in the input.
    """
    if not isinstance(text, str):
        raise InvalidInput.because(where, f"{shown(text)} is not a text", _EXAMPLES)
    symbol = text.strip(" ")
    reason = _objection(symbol)
    if reason is not None:
        raise InvalidInput.because(where, f"{excerpt(text)} {reason}", _EXAMPLES)
    return symbol.upper()


def _objection(symbol: str) -> str | None:
    if not symbol:
        return "is empty"
    if len(symbol) > MAX_LENGTH:
        return f"has {len(symbol)} characters, at most {MAX_LENGTH} are allowed"
    if any(not character.isprintable() for character in symbol):
        return "holds a control character or a line break"
    # Before capitals are made: ß and dotless ı would turn into ASCII letters.
    if not symbol.isascii():
        return "holds a letter outside of ASCII"
    return _objection_to_form(symbol.upper())


def _objection_to_form(symbol: str) -> str | None:
    if "://" in symbol:
        return "is a URL"
    if "/" in symbol or "\\" in symbol or ".." in symbol:
        return "is a path"
    if not _GRAMMAR.fullmatch(symbol):
        return "is not a symbol"
    if _ISIN.fullmatch(symbol):
        # yfinance would search for it and silently go on with whatever ticker it finds.
        return "looks like an ISIN; give the symbol under which it trades"
    return None
