"""What prices count in, for people."""

from __future__ import annotations


def money(currency: str, unit: float) -> str:
    """A currency with the unit in which prices count: `USD`, or `0.01 GBP` for pence."""
    return currency if not currency or unit == 1.0 else f"{unit:g} {currency}"
