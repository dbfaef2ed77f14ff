"""`stockctl data`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
import typer

from stockjobs.cli import tables
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.output import Format, as_json, write
from stockjobs.cli.session import container_of
from stockjobs.cli.values import checked, words
from stockjobs.cli.views import HOLDINGS, price
from stockjobs.domain.bars import Bars
from stockjobs.domain.intervals import Interval
from stockjobs.domain.jobs import WindowSpec
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.symbols import normalise
from stockjobs.errors import NotFound
from stockjobs.services.reports import Reports
from stockjobs.store.instruments import Instrument

_NEWEST_IN_TABLE = 20
_FIELDS = ("symbol", "at", "open", "high", "low", "close", "volume", "provisional")


class DataFormat(StrEnum):
    """How bars are written: rounded for people, or whole for programs."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True)
class _Stored:
    """The bars of one symbol."""

    instrument: Instrument
    bars: Bars


def data(
    ctx: typer.Context,
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Without any: what is stored.")] = None,
    interval: Annotated[Interval, typer.Option("--interval", "-i", help="The bars' interval.")] = Interval.D1,
    start: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The first moment, included.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The last moment, excluded.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, help=f"So many of the newest bars; 0 for all. A table shows {_NEWEST_IN_TABLE} if not given."
        ),
    ] = None,
    provider: Annotated[str, typer.Option(help="Whose data.")] = "yahoo",
    output: Annotated[DataFormat, typer.Option("--output", "-o", help="How to write it.")] = DataFormat.TABLE,
) -> None:
    """Show stored bars, or of which symbols there are any.

    Prices are as the provider gave them. Tables show times in the zone of the exchange, CSV and JSON in UTC.
    """
    window = checked(WindowSpec, {"start": start, "end": end})
    wanted = [normalise(symbol) for symbol in words(symbols)]
    reports = container_of(ctx).reports
    if not wanted:
        write(HOLDINGS, reports.holdings(), Format(output.value), reports.now())
        return
    found, missing = _read(reports, provider, wanted, interval, window)
    _write(found, interval, output, _NEWEST_IN_TABLE if limit is None and output is DataFormat.TABLE else limit or None)
    for error in missing:
        typer.echo(f"stockctl: {error}", err=True)
    if missing:
        raise typer.Exit(ExitCode.PARTIAL if found else ExitCode.NOT_FOUND)


def _read(
    reports: Reports, provider: str, symbols: Sequence[str], interval: Interval, window: WindowSpec
) -> tuple[list[_Stored], list[NotFound]]:
    start = parse_instant(window.start) if window.start else None
    end = parse_instant(window.end) if window.end else None
    found, missing = [], []
    for symbol in symbols:
        try:
            found.append(_Stored(*reports.bars(provider, symbol, interval, start, end)))
        except NotFound as error:
            missing.append(error)
    return found, missing


def _write(found: Sequence[_Stored], interval: Interval, output: DataFormat, limit: int | None) -> None:
    newest = [
        _Stored(one.instrument, one.bars.where(np.arange(len(one.bars))[-limit:])) if limit else one for one in found
    ]
    if output is DataFormat.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_FIELDS)
        for one in newest:
            writer.writerows(_records(one))
    elif output is DataFormat.JSON:
        records = (record for one in newest for record in _records(one))
        typer.echo(as_json([dict(zip(_FIELDS, record, strict=True)) for record in records]))
    else:
        _write_table(newest, interval)
        for all_of, shown in zip(found, newest, strict=True):
            _tell_left_out(all_of, shown, interval)


def _records(stored: _Stored) -> list[tuple[object, ...]]:
    bars = stored.bars
    volumes = (None if volume < 0 else volume for volume in bars.volume.tolist())
    times = (f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}" for second in bars.at.tolist())
    prices = (getattr(bars, name).tolist() for name in ("open", "high", "low", "close"))
    names = (stored.instrument.symbol for _ in range(len(bars)))
    return list(zip(names, times, *prices, volumes, bars.provisional.tolist(), strict=True))


def _write_table(newest: Sequence[_Stored], interval: Interval) -> None:
    rows = [row for one in newest for row in _rows(one, interval)]
    if not rows:
        return
    titles = ("symbol", "time", "open", "high", "low", "close", "volume", "")
    for line in tables.lines(titles, rows, right=frozenset(range(2, 7))):
        typer.echo(line)


def _rows(stored: _Stored, interval: Interval) -> list[list[str]]:
    zone = ZoneInfo(stored.instrument.zone or "UTC")
    bars = stored.bars
    form = "%Y-%m-%d %H:%M%z" if interval.is_intraday else "%Y-%m-%d"
    return [
        [
            stored.instrument.symbol,
            f"{datetime.fromtimestamp(int(bars.at[index]), zone):{form}}",
            *(price(float(getattr(bars, name)[index])) for name in ("open", "high", "low", "close")),
            f"{int(bars.volume[index]):,}" if bars.volume[index] >= 0 else "-",
            "unfinished" if bars.provisional[index] else "",
        ]
        for index in range(len(bars))
    ]


def _tell_left_out(all_of: _Stored, shown: _Stored, interval: Interval) -> None:
    symbol, count = all_of.instrument.symbol, len(all_of.bars)
    if count == 0:
        typer.echo(
            f"stockctl: {symbol}: no {interval} bars in this window: `stockctl data` lists what is stored", err=True
        )
    elif len(shown.bars) < count:
        note = f"the newest {len(shown.bars)} of {count:,} bars; --limit 0 shows all"
        typer.echo(f"stockctl: {symbol}: {note}", err=True)
