"""Tables for people: aligned columns without lines, as kubectl prints them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence

import typer
from rich.cells import cell_len

GAP = "   "
_WORD = re.compile(r" *[^ ]+")
NARROWEST = 24
"""To so many characters a column of sentences may be made narrower."""
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


def inner_width(indent: int) -> int | None:
    """The same for lines that are indented."""
    return None if (most := width()) is None else most - indent


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
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    colour: bool = False,
    most: int | None = None,
) -> Iterator[str]:
    """The lines of a table: titles in capitals, then the rows; the columns in `right` are flush right.

    Where it is wider than `most`, the last column goes on in further lines, at words.
    """
    table = [[title.upper() for title in titles], *rows]
    *before, last = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    start = sum(before) + len(GAP) * len(before)
    is_folded = most is not None and start + last > most and len(before) not in right
    room = max(most - start, NARROWEST) if most is not None and is_folded else last
    for *row, end in table:
        first, *rest = wrapped(end, room)
        cells = [
            _padded(cell, size, is_right=index in right, colour=colour)
            for index, (cell, size) in enumerate(zip((*row, first), (*before, room), strict=True))
        ]
        yield GAP.join(cells).rstrip()
        yield from (" " * start + line for line in rest)


def wrapped(text: str, most: int | None, *, hang: int = 0) -> list[str]:
    """A line in lines of at most so many characters, broken between words only; all but the first begin `hang` further in."""
    if most is None or cell_len(text) <= most:
        return [text]
    first, *rest = _WORD.findall(text) or [""]
    begin = " " * (len(first) - len(first.lstrip()) + hang)
    found = [first]
    for word in rest:
        if cell_len(found[-1]) + cell_len(word) <= most:
            found[-1] += word
        else:
            found.append(begin + word.lstrip())
    return found


def _padded(cell: str, width: int, *, is_right: bool, colour: bool) -> str:
    padding = " " * (width - cell_len(cell))
    shown = typer.style(cell, fg=_COLOURS[cell]) if colour and cell in _COLOURS else cell
    return padding + shown if is_right else shown + padding


def fields(pairs: Sequence[tuple[str, str]], indent: str = "", most: int | None = None) -> Iterator[str]:
    """The lines of `name: value` pairs, values aligned; a value of several lines is indented under its first.

    What is longer than a line of `most` characters goes on at a word, under its beginning.
    """
    width = max((len(name) for name, _ in pairs), default=0) + 1
    room = None if most is None else max(most - len(indent) - width - 2, NARROWEST)
    for name, value in pairs:
        first, *rest = [part for line in value.splitlines() or [""] for part in wrapped(line, room)]
        yield f"{indent}{name + ':':<{width}}  {first}".rstrip()
        yield from (f"{indent}{'':<{width}}  {line}" for line in rest)
