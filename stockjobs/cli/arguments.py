"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.output import Format
from stockjobs.cli.values import words
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import InvalidInput

Output = Annotated[Format, typer.Option("--output", "-o", help="How to write it.")]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on, and write what is new or has changed, until Ctrl-C.")
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most so many, the newest first.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The request's key: asking again with it gives the same occurrence."),
]
Symbols = Annotated[
    list[str] | None,
    typer.Argument(metavar="SYMBOL", help="Only these, apart or with commas; without any, all that are stored."),
]
AlsoSymbols = Annotated[
    list[str] | None, typer.Option("--symbols", "-s", metavar="A,B,…", help="Symbols, as the arguments are.")
]


def symbols_of(*, symbols: Symbols = None, also: AlsoSymbols = None) -> tuple[str, ...]:
    """The symbols that were typed, in either way, each once. Raises InvalidInput, also where something was typed and is empty."""
    return named([*(symbols or ()), *(also or ())], "name some, or leave it away for all")


def named(typed: list[str], hint: str) -> tuple[str, ...]:
    """The symbols that were typed, each once. Raises InvalidInput, also where something was typed and is empty."""
    found = tuple(dict.fromkeys(normalise(symbol) for symbol in words(typed)))
    if typed and not found:
        # Such as a variable of a script that is empty, which should not mean all that are stored.
        raise InvalidInput.because("symbols", "none is named by what was given", hint)
    return found
