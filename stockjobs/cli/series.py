"""Which series a command is about: symbols, those of a job, or all that are stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.values import checked, words
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.errors import InvalidInput
from stockjobs.services.market.covered import Coverage, Wanted

Symbols = Annotated[
    list[str] | None, typer.Argument(metavar="SYMBOL", help="Only these; without any, all that are stored.")
]
OfJob = Annotated[str | None, typer.Option("--job", "-j", metavar="JOB", help="The symbols and intervals of a job.")]
OfInterval = Annotated[
    Interval | None, typer.Option("--interval", "-i", help="The bars' interval; 1d, or all of the job's, if not given.")
]
Start = Annotated[
    str | None, typer.Option(metavar="DAY|INSTANT", help="From then on; from the first stored bar if not given.")
]
End = Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="Until then, excluded; until now if not given.")]
OfProvider = Annotated[str, typer.Option("--provider", help="Whose data.")]

_TOLD_EVERY = 100


def wanted_of(
    container: Container,
    symbols: Sequence[str] | None,
    job: str | None,
    interval: Interval | None,
    *,
    between: tuple[str | None, str | None],
    provider: str,
) -> list[Wanted]:
    """The series that the options of a command name, one entry an interval. Raises InvalidInput, NotFound."""
    window = checked(WindowSpec, {"start": between[0], "end": between[1]})
    start, end = (parse_instant(text) if text else None for text in (window.start, window.end))
    if job is not None:
        if symbols:
            raise InvalidInput.because("--job", "stands in place of symbols", "give one of them")
        found = container.coverage.wanted_of_job(job, interval)
    else:
        names = tuple(dict.fromkeys(normalise(symbol) for symbol in words(list(symbols or ()))))
        found = [Wanted(provider, names, interval or Interval.D1)]
    return [Wanted(one.provider, one.symbols, one.interval, start, end) for one in found]


def looked(container: Container, wanted: Sequence[Wanted]) -> Iterator[Coverage]:
    """The coverage of all that is wanted; how far it is, is told on a terminal."""
    shows = sys.stderr.isatty()
    number = 0
    for one in wanted:
        for found in container.coverage.look(one):
            number += 1
            if shows and number % _TOLD_EVERY == 0:
                typer.echo(f"\r{number:,} series…", err=True, nl=False)
            yield found
    if shows and number >= _TOLD_EVERY:
        typer.echo("\r\x1b[K", err=True, nl=False)
