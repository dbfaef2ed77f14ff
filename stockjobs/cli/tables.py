"""Tables for people: aligned columns without lines, as kubectl prints them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

import typer
from rich.cells import cell_len

GAP = "   "
_COLOURS = {
    "completed": "green",
    "running": "cyan",
    "failed": "red",
    "timeout": "red",
    "lost": "red",
    "retried": "yellow",
    "deferred": "yellow",
    "cancelled": "magenta",
    "disabled": "yellow",
}
"""The words that are coloured where they stand alone in a cell: states, and a job that is disabled."""


def has_colour() -> bool:
    """True if stdout is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int | None:
    """How many characters a line of the terminal takes; None where stdout is none, and lines may be as long as they are."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fitting(columns: Sequence[Sequence[str]], spare: Sequence[int], most: int | None) -> list[int]:
    """The places of the columns that fit into a line: the highest in `spare` go first, those that are 0 stay."""
    widths = [max(map(cell_len, column)) for column in columns]
    kept = list(range(len(columns)))
    while most is not None and sum(widths[index] + len(GAP) for index in kept) - len(GAP) > most:
        least = max(kept, key=lambda index: spare[index])
        if not spare[least]:
            break
        kept.remove(least)
    return kept


def lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), colour: bool = False
) -> Iterator[str]:
    """The lines of a table: titles in capitals, then the rows; the columns in `right` are flush right."""
    table = [[title.upper() for title in titles], *rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            _padded(cell, width, is_right=index in right, colour=colour)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield GAP.join(cells).rstrip()


def _padded(cell: str, width: int, *, is_right: bool, colour: bool) -> str:
    padding = " " * (width - cell_len(cell))
    shown = typer.style(cell, fg=_COLOURS[cell]) if colour and cell in _COLOURS else cell
    return padding + shown if is_right else shown + padding


def fields(pairs: Sequence[tuple[str, str]], indent: str = "") -> Iterator[str]:
    """The lines of `name: value` pairs, values aligned; a value of several lines is indented under its first."""
    width = max((len(name) for name, _ in pairs), default=0) + 1
    for name, value in pairs:
        first, *rest = value.splitlines() or [""]
        yield f"{indent}{name + ':':<{width}}  {first}".rstrip()
        yield from (f"{indent}{'':<{width}}  {line}" for line in rest)
