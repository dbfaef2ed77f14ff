"""`stockctl data`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from stockjobs.cli import tables
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.filters import moment_of
from stockjobs.cli.output import Format, write
from stockjobs.cli.session import container_of
from stockjobs.cli.targets import DataFormat, Target, target_of
from stockjobs.cli.values import checked, words
from stockjobs.cli.views import HOLDINGS, price
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.errors import InvalidInput
from stockjobs.services.work.reports import Reports
from stockjobs.store.market.instruments import Instrument

if TYPE_CHECKING:
    import pyarrow as pa

    from stockjobs.services.market.reading import Reading

_NEWEST_IN_TABLE = 20


def data(
    ctx: typer.Context,
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Without any: what is stored.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All symbols of which there are such bars.")] = False,
    interval: Annotated[Interval, typer.Option("--interval", "-i", help="The bars' interval.")] = Interval.D1,
    start: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The first moment, included.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The last moment, excluded.")] = None,
    adjusted: Annotated[
        Adjusted, typer.Option(help="Adjusted for nothing, for splits, or for dividends too.")
    ] = Adjusted.SPLITS,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|DAY|INSTANT", help="As the bars were known, and settled, then: 7d ago, or at a moment."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, help=f"So many of the newest bars; 0 for all. A table shows {_NEWEST_IN_TABLE} if not given."
        ),
    ] = None,
    provider: Annotated[str, typer.Option(help="Whose data.")] = "yahoo",
    output: Annotated[
        DataFormat | None,
        typer.Option("--output", "-o", help="How to write it; if not given, as --file ends, or a table."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="PATH", help="Where to write it; - is stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Show stored bars, write them to a file, or tell of which symbols there are any.

    Prices are as the provider gave them unless --adjusted says otherwise. Tables show times in the zone of the exchange,
    everything else in UTC.
    """
    target = target_of(output, file, force=force)
    window = checked(WindowSpec, {"start": start, "end": end})
    wanted = tuple(dict.fromkeys(normalise(symbol) for symbol in words(symbols)))
    container = container_of(ctx)
    if not wanted and not every:
        _write_holdings(container.reports, target)
        return
    if wanted and every:
        raise InvalidInput.because("--all", "stands beside symbols", "give one or the other")
    then = moment_of(as_of, "--as-of", container.reports.now()) if as_of else None
    reading = container.reading
    found = reading.every(provider, interval) if every else reading.known(provider, wanted)
    names = tuple(symbol for symbol in wanted or found if symbol in found)
    query = BarsQuery(names, interval, _instant(window.start), _instant(window.end), adjusted, then, provider)
    if names:
        _write(reading, query, found, target, limit)
    missing = [symbol for symbol in wanted if symbol not in found]
    for symbol in missing:
        typer.echo(f"stockctl: nothing is stored for {symbol!r}: `stockctl data` lists what is", err=True)
    if missing:
        raise typer.Exit(ExitCode.PARTIAL if names else ExitCode.NOT_FOUND)


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


def _write_holdings(reports: Reports, target: Target) -> None:
    if target.form is DataFormat.PARQUET or target.path is not None:
        raise InvalidInput.because("--file", "is for bars", "name symbols, or all of them with --all")
    write(HOLDINGS, reports.holdings(), Format(target.form.value), reports.now())


def _write(
    reading: Reading, query: BarsQuery, found: Mapping[str, Instrument], target: Target, limit: int | None
) -> None:
    if target.form is DataFormat.TABLE:
        most = _NEWEST_IN_TABLE if limit is None else limit
        _write_table(
            ((found[one], reading.table(replace(query, symbols=(one,)))) for one in query.symbols), query, most
        )
        return
    # Arrow's writers are for those who export.
    exports = import_module("stockjobs.cli.exports")
    exports.export(_newest(reading, query, limit) if limit else reading.stream(query), target)


def _newest(reading: Reading, query: BarsQuery, limit: int) -> Generator[pa.RecordBatch]:
    for symbol in query.symbols:
        bars = reading.table(replace(query, symbols=(symbol,)))
        yield from bars.slice(max(bars.num_rows - limit, 0)).to_batches()


def _write_table(found: Iterable[tuple[Instrument, pa.Table]], query: BarsQuery, most: int) -> None:
    rows: list[list[str]] = []
    notes: list[str] = []
    for instrument, bars in found:
        count = bars.num_rows
        shown = bars.slice(max(count - most, 0)) if most else bars
        rows.extend(_rows(instrument, shown, query.interval))
        if count == 0:
            notes.append(f"no {query.interval} bars in this window: `stockctl data` lists what is stored")
        elif shown.num_rows < count:
            notes.append(f"the newest {shown.num_rows} of {count:,} bars; --limit 0 shows all")
        else:
            continue
        notes[-1] = f"{instrument.symbol}: {notes[-1]}"
    titles = ("symbol", "time", "open", "high", "low", "close", "volume", "")
    for line in tables.lines(titles, rows, right=frozenset(range(2, 7))) if rows else ():
        typer.echo(line)
    for note in notes:
        typer.echo(f"stockctl: {note}", err=True)


def _rows(instrument: Instrument, bars: pa.Table, interval: Interval) -> Iterator[list[str]]:
    zone = ZoneInfo(instrument.zone or "UTC")
    form = "%Y-%m-%d %H:%M%z" if interval.is_intraday else "%Y-%m-%d"
    for bar in bars.to_pylist():
        yield [
            instrument.symbol,
            f"{bar['at'].astimezone(zone):{form}}",
            *(price(bar[name]) for name in ("open", "high", "low", "close")),
            "-" if bar["volume"] is None else f"{bar['volume']:,}",
            "unfinished" if bar["provisional"] else "",
        ]
