"""`stockctl data`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from stockjobs.cli import absence, bar_tables
from stockjobs.cli.arguments import AlsoSymbols, named
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.filters import moment_of
from stockjobs.cli.output import Format, write
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking
from stockjobs.cli.targets import DataFormat, Target, target_of
from stockjobs.cli.values import checked
from stockjobs.cli.views import HOLDINGS
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery, refuse_future
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.errors import InvalidInput
from stockjobs.providers import registry
from stockjobs.services.work.reports import Reports
from stockjobs.store.market.instruments import Instrument

if TYPE_CHECKING:
    import pyarrow as pa

    from stockjobs.services.market.reading import Reading

_TOLD = 10
"""Of no more symbols it is told why there is nothing, or that there is more."""

AsOf = Annotated[
    str | None,
    typer.Option(metavar="TIME|DAY|INSTANT", help="As the bars were known, and settled, then: 7d ago, or at a moment."),
]

OfProvider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="PROVIDER",
        help="Whose data, yahoo's if not given; without symbols, whose only to tell of.",
    ),
]


def _query(
    now: datetime,
    *,
    interval: Annotated[Interval, typer.Option("--interval", "-i", help="The bars' interval.")] = Interval.D1,
    start: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The first moment, included.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The last moment, excluded.")] = None,
    adjusted: Annotated[
        Adjusted, typer.Option(help="Adjusted for nothing, for splits, or for dividends too.")
    ] = Adjusted.SPLITS,
    as_of: AsOf = None,
) -> BarsQuery:
    """What is asked of each symbol. Raises InvalidInput."""
    window = checked(WindowSpec, {"start": start, "end": end})
    then = moment_of(as_of, "--as-of", now) if as_of else None
    if then is not None:
        refuse_future(then, now, "--as-of")
    return BarsQuery((), interval, _instant(window.start), _instant(window.end), adjusted, then)


def _named(
    *,
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="SYMBOL", help="Only these, apart or with commas.")
    ] = None,
    also: AlsoSymbols = None,
) -> tuple[str, ...]:
    """The symbols that were typed. Raises InvalidInput."""
    return named([*(symbols or ()), *(also or ())], "name some, or add --all for all in place of them")


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


@taking(query=_query, wanted=_named, target=target_of)
def data(
    ctx: typer.Context,
    query: BarsQuery,
    wanted: tuple[str, ...],
    provider: OfProvider = None,
    every: Annotated[bool, typer.Option("--all", help="All symbols of which there are such bars.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help=f"So many of the newest bars; 0 for all. A table shows {bar_tables.NEWEST} if not given.",
        ),
    ] = None,
    *,
    target: Target,
) -> None:
    """Show stored bars, write them to a file, or list what there is.

    Without symbols and without --all it tells of which there are any. Prices are as the provider gave them unless --adjusted
    says otherwise. Tables show times in the zone of the exchange, everything else in UTC. A symbol that names nothing any more
    leads to what it named last.
    """
    container = container_of(ctx)
    if wanted and every:
        raise InvalidInput.because("--all", "stands beside symbols", "give one or the other")
    if not wanted and not every:
        _write_holdings(container.reports, provider, target)
        return
    meant = _meant(container.reading, replace(query, provider=provider or query.provider), wanted)
    if not meant.found:
        # What is stored of one can be read also where it is not installed.
        registry.check_name(meant.query.provider, "--provider")
    if meant.query.symbols or every:
        _tell(meant.absent(meant.write(target, limit)))
    missing = [symbol for symbol in wanted if symbol not in meant.found]
    _tell(_few([str(one) for one in container.reading.elsewhere(meant.query.provider, missing)], "nor for"))
    if missing:
        raise typer.Exit(ExitCode.PARTIAL if meant.query.symbols else ExitCode.NOT_FOUND)


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"stockctl: {note}", err=True)


def _few(notes: Sequence[str], and_of: str) -> list[str]:
    """The first of some notes, and of how many more the same is to be said."""
    more = len(notes) - _TOLD
    return [*notes[:_TOLD], *([f"{and_of} {more:,} more"] if more > 0 else [])]


def _write_holdings(reports: Reports, provider: str | None, target: Target) -> None:
    if target.form is DataFormat.PARQUET or target.path is not None:
        raise InvalidInput.because("--file", "is for bars", "name symbols, or all of them with --all")
    found = [one for one in reports.holdings() if provider in (None, one.provider)]
    if provider and not found:
        registry.check_name(provider, "--provider")
    view = replace(HOLDINGS, none=f"Nothing of {provider} is stored yet.") if provider else HOLDINGS
    write(view, found, Format(target.form.value), reports.now())


def _meant(reading: Reading, query: BarsQuery, wanted: Sequence[str]) -> _Meant:
    """What is there of the symbols that were named, or of all."""
    found = reading.known(query.provider, wanted) if wanted else reading.every(query.provider, query.interval)
    _tell([str(one) for one in reading.former(query.provider, wanted)])
    names = tuple(symbol for symbol in wanted or found if symbol in found)
    return _Meant(reading, replace(query, symbols=names), found)


@dataclass(frozen=True)
class _Meant:
    """The bars that are to be written, and the instruments that their symbols mean."""

    reading: Reading
    query: BarsQuery
    found: Mapping[str, Instrument]

    def write(self, target: Target, limit: int | None) -> set[str]:
        """Write them. Returns the symbols of which there were any."""
        if target.form is DataFormat.TABLE:
            return self._write_table(bar_tables.NEWEST if limit is None else limit)
        # Arrow's writers are for those who export.
        exports = import_module("stockjobs.cli.exports")
        found: set[str] = exports.export(self._batches(limit), target)
        return found

    def absent(self, written: set[str]) -> list[str]:
        """Why there is nothing of those of which nothing was written."""
        if not self.query.symbols:
            return [absence.none_at_all(self.query.provider, self.query.interval)]
        without = [symbol for symbol in self.query.symbols if symbol not in written]
        why = [
            absence.why_none(symbol, self.query, self.reading.absence(self.query, self.found[symbol]))
            for symbol in without[:_TOLD]
        ]
        more = len(without) - len(why)
        return [*why, f"nor of {more:,} more"] if more else why

    def _batches(self, limit: int | None) -> Generator[pa.RecordBatch]:
        if self.query.symbols and not limit:
            yield from self.reading.stream(self.query)
            return
        for symbol in self.query.symbols:
            bars = self._bars(symbol)
            yield from bars.slice(max(bars.num_rows - (limit or 0), 0)).to_batches()

    def _write_table(self, most: int) -> set[str]:
        found = self.found
        shown = [
            bar_tables.newest_of(found[symbol], self.query.interval, self._bars(symbol), most)
            for symbol in self.query.symbols
        ]
        for line in bar_tables.lines(shown):
            typer.echo(line)
        _tell(_few([one.note for one in shown if one.note], "and the newest of"))
        return {one.instrument.symbol for one in shown if one.count}

    def _bars(self, symbol: str) -> pa.Table:
        return self.reading.table(replace(self.query, symbols=(symbol,)))
