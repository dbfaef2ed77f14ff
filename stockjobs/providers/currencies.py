"""The words for currencies that sources of market data use: some are parts of a currency."""

from __future__ import annotations

# Hundredths and thousandths in which shares are quoted, as Yahoo and most others write them.
_PARTS = {
    "GBp": ("GBP", 0.01),
    "GBX": ("GBP", 0.01),
    "ILA": ("ILS", 0.01),
    "ZAc": ("ZAR", 0.01),
    "ZAC": ("ZAR", 0.01),
    "USX": ("USD", 0.01),
    "KWF": ("KWD", 0.001),
}


def currency_of(word: str) -> tuple[str, float]:
    """The ISO code behind a word for a currency, and the unit in which prices count: GBp is 0.01 GBP."""
    return _PARTS.get(word, (word, 1.0))
