"""Symbols that name nothing at a provider, and the other providers where they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from stockjobs.store import tables
from stockjobs.store.statements import is_in

_symbols = tables.symbols


@dataclass(frozen=True)
class Elsewhere:
    """A symbol, the provider of which it was asked for, and all of which something is stored under it, in alphabetical order."""

    symbol: str
    provider: str
    others: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """Which others have it, and how to ask for the first; nothing where none does."""
        if not self.others:
            return ""
        have = f"{' and '.join(self.others)} {'have' if len(self.others) > 1 else 'has'}"
        return f"{have} it: --provider {self.others[0]}"

    def __str__(self) -> str:
        if self.others:
            return f"nothing is stored for {self.symbol!r} of {self.provider}; {self.hint}"
        return f"nothing is stored for {self.symbol!r}: `stockctl data` lists what is"


def elsewhere(connection: Connection, provider: str, wanted: Sequence[str]) -> list[Elsewhere]:
    """Of each of some symbols that are not known at a provider, which others know it, or knew it once."""
    names = (is_in(_symbols.c.symbol, wanted), _symbols.c.provider != provider)
    query = select(_symbols.c.symbol, _symbols.c.provider).where(*names).distinct().order_by(_symbols.c.provider)
    found: dict[str, list[str]] = {}
    for symbol, other in connection.execute(query) if wanted else ():
        found.setdefault(symbol, []).append(other)
    return [Elsewhere(symbol, provider, tuple(found.get(symbol, ()))) for symbol in wanted]
