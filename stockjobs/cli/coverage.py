"""`stockctl coverage`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from stockjobs.cli.arguments import Output
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.series import Named, looked, named
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking
from stockjobs.domain.counting import counted
from stockjobs.domain.market.coverage import Cause
from stockjobs.services.market.covered import Coverage, Year


def percent(stored: int, expected: int) -> str | None:
    """How much is there; never 100 while anything is missing."""
    return f"{min(100 * stored / expected, 99.99 if stored < expected else 100):.2f}" if expected else None


def _causes(found: Coverage) -> str:
    return found.note or ", ".join(f"{cause} {bars:,}" for cause, bars in sorted(found.causes.items()))


def _total(series: Sequence[Coverage]) -> str:
    """What several series come to, in a line."""
    expected, stored = (sum(getattr(one, name) for one in series) for name in ("expected", "stored"))
    share = f" ({percent(stored, expected)} %)" if expected else ""
    return f"{len(series):,} series: {stored:,} of {counted(expected, 'expected bar')} stored{share}"


def _document(found: Coverage) -> dict[str, Any]:
    return {
        "symbol": found.series.symbol,
        "interval": found.interval,
        "start": found.start,
        "end": found.end,
        "expected": found.expected,
        "stored": found.stored,
        "missing": {cause.value: bars for cause, bars in found.causes.items()},
        "years": [{"year": one.year, "expected": one.expected, "stored": one.stored} for one in found.years],
        "note": found.note,
    }


COVERAGE: View[Coverage] = View(
    name=lambda found: f"{found.series.symbol}/{found.interval}",
    columns=(
        Column("symbol", lambda found: found.series.symbol),
        Column("interval", lambda found: found.interval),
        Column("expected", lambda found: found.expected, is_right=True, spare=1),
        Column("stored", lambda found: found.stored, is_right=True),
        Column("percent", lambda found: percent(found.stored, found.expected), is_right=True),
        Column("missing", _causes),
        Column("from", lambda found: f"{found.start:%Y-%m-%d}" if found.start else None, is_wide=True),
        Column("to", lambda found: f"{found.end:%Y-%m-%d}" if found.end else None, is_wide=True),
    ),
    document=_document,
    keeps_empty=True,
)

YEARS: View[tuple[Coverage, Year]] = View(
    name=lambda row: f"{row[0].series.symbol}/{row[0].interval}/{row[1].year}",
    columns=(
        Column("symbol", lambda row: row[0].series.symbol),
        Column("interval", lambda row: row[0].interval),
        Column("year", lambda row: str(row[1].year), is_right=True),
        Column("expected", lambda row: row[1].expected, is_right=True),
        Column("stored", lambda row: row[1].stored, is_right=True),
        Column("percent", lambda row: percent(row[1].stored, row[1].expected), is_right=True),
    ),
    document=lambda row: {
        "symbol": row[0].series.symbol,
        "interval": row[0].interval,
        "year": row[1].year,
        "expected": row[1].expected,
        "stored": row[1].stored,
    },
)


@taking(series=named)
def coverage(
    ctx: typer.Context,
    series: Named,
    by_year: Annotated[bool, typer.Option("--by-year", help="A line for each year.")] = False,
    holes: Annotated[bool, typer.Option("--incomplete", help="Only series of which something is missing.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Compare what is stored with the sessions of the exchanges. It tells how much is there, and why the rest is not.

    Expected are the bars of sessions that are over. `stockctl gaps` lists the missing ones by day, `repair` asks for them.
    """
    container = container_of(ctx)
    found = [
        one for one in looked(container, series.wanted(container)) if not holes or one.stored < one.expected or one.note
    ]
    now = container.reports.now()
    if by_year:
        write(YEARS, [(one, year) for one in found for year in one.years], output, now)
    else:
        write(COVERAGE, found, output, now)
    if output in (Format.TABLE, Format.WIDE) and len(found) > 1:
        typer.echo(f"stockctl: {_total(found)}", err=True)
    if output is Format.TABLE and not by_year and any(Cause.UNKNOWN in one.causes for one in found):
        typer.echo("stockctl: unknown: not asked for yet; `stockctl repair` asks", err=True)
