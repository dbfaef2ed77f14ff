"""Which series a command is about: symbols, those of a job, or all that are stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.arguments import AlsoSymbols, Symbols, symbols_of
from stockjobs.cli.values import checked
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.errors import InvalidInput
from stockjobs.services.market.covered import Coverage, Wanted

OfJob = Annotated[str | None, typer.Option("--job", "-j", metavar="JOB", help="The symbols and intervals of a job.")]
OfInterval = Annotated[
    Interval | None, typer.Option("--interval", "-i", help="The bars' interval; 1d, or all of the job's, if not given.")
]
Start = Annotated[
    str | None, typer.Option(metavar="DAY|INSTANT", help="From then on; from the first stored bar if not given.")
]
End = Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="Until then, excluded; until now if not given.")]
OfProvider = Annotated[str, typer.Option("--provider", metavar="PROVIDER", help="Whose data.")]

_TOLD_EVERY = 100


@dataclass(frozen=True)
class Named:
    """The series that the options of a command name: symbols of a provider, or a job's; `interval` None for the usual."""

    job: str | None
    symbols: tuple[str, ...]
    interval: Interval | None
    provider: str
    start: datetime | None
    end: datetime | None

    def wanted(self, container: Container) -> list[Wanted]:
        """The series, one entry an interval. Raises NotFound."""
        if self.job is None:
            found = [Wanted(self.provider, self.symbols, self.interval or Interval.D1)]
        else:
            found = container.coverage.wanted_of_job(self.job, self.interval)
        return [replace(one, start=self.start, end=self.end) for one in found]


def named(
    *,
    symbols: Symbols = None,
    also: AlsoSymbols = None,
    job: OfJob = None,
    interval: OfInterval = None,
    start: Start = None,
    end: End = None,
    provider: OfProvider = "yahoo",
) -> Named:
    """What the options name. Raises InvalidInput."""
    names = symbols_of(symbols=symbols, also=also)
    if job is not None and names:
        raise InvalidInput.because("--job", "stands in place of symbols", "give one of them")
    window = checked(WindowSpec, {"start": start, "end": end})
    first, last = (parse_instant(text) if text else None for text in (window.start, window.end))
    return Named(job, names, interval, provider, first, last)


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
