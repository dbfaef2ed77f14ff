"""`stockctl symbols`: which instruments there are, what they are and were called, and which are not known any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from stockjobs.cli.arguments import Output, symbols_of
from stockjobs.cli.listing import Listing
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.cli.values import day_or_instant
from stockjobs.domain.counting import counted
from stockjobs.domain.market.money import money
from stockjobs.domain.market.reading import named_in_command
from stockjobs.services.market.redenominating import Redenomination
from stockjobs.services.market.symbols import Renaming, SymbolReport


class _Listing(Listing):
    """The list of symbols, whose verb `show` takes some."""

    options = ("-s", "--symbols")


group = typer.Typer(
    cls=_Listing,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="List instruments by their symbols, now and in the past. Rename one, accept its other currency, or revive a dead one.",
)

Provider = Annotated[str, typer.Option(metavar="PROVIDER", help="Where the symbol is from.")]


def _currency(report: SymbolReport) -> str:
    return money(report.name.instrument.currency, report.name.instrument.unit)


def _document(report: SymbolReport) -> dict[str, object]:
    name, instrument, standing = report.name, report.name.instrument, report.standing
    return {
        "provider": name.provider,
        "symbol": name.symbol,
        "validFrom": name.valid_from,
        "validTo": name.valid_to,
        "instrument": {
            "id": instrument.id,
            "uid": name.uid,
            "exchange": instrument.exchange,
            "zone": instrument.zone,
            "currency": instrument.currency,
            "unit": instrument.unit,
            "kind": instrument.kind,
            "name": instrument.name,
            "firstTradeAt": instrument.first_trade_at,
        },
        "health": {
            "state": standing.state.value,
            "reason": standing.reason,
            "unknownDays": standing.unknown_days,
            "firstUnknownOn": standing.first_unknown_on,
            "lastUnknownOn": standing.last_unknown_on,
            "successor": standing.successor,
        },
    }


SYMBOLS: View[SymbolReport] = View(
    name=lambda report: f"symbol/{report.name.symbol}",
    columns=(
        Column("symbol", lambda report: report.name.symbol),
        Column("instrument", lambda report: str(report.name.instrument.id), is_wide=True, is_right=True),
        Column("seen", lambda report: f"{report.name.valid_from:%Y-%m-%d}", spare=1),
        Column("to", lambda report: f"{report.name.valid_to:%Y-%m-%d}" if report.name.valid_to else None),
        Column("exchange", lambda report: report.name.instrument.exchange, spare=2),
        Column("zone", lambda report: report.name.instrument.zone, is_wide=True),
        Column("currency", _currency, spare=3),
        Column("kind", lambda report: report.name.instrument.kind, is_wide=True),
        Column("health", lambda report: report.standing.state.value),
        Column("name", lambda report: report.name.instrument.name, is_prose=True, spare=4),
        Column("provider", lambda report: report.name.provider, is_wide=True),
        Column("uid", lambda report: report.name.uid, is_wide=True),
        Column("reason", lambda report: report.standing.reason, is_wide=True),
    ),
    document=_document,
    none="Nothing is stored yet: a symbol is listed once something of it has landed.",
)

_OF_SEVERAL = replace(
    SYMBOLS,
    columns=[replace(one, is_wide=False) if one.title == "provider" else one for one in SYMBOLS.columns],
)
"""Where they are of several providers, each is told whose it is."""


@group.callback()
def symbols(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List instruments by their symbols, now and in the past. Rename one, accept its other currency, or revive a dead one."""
    if ctx.invoked_subcommand is None:
        _list(ctx, [], output)


@group.command()
@taking(given=symbols_of)
def show(ctx: typer.Context, given: tuple[str, ...], output: Output = Format.TABLE) -> None:
    """Show all names of what bears or bore these symbols."""
    _list(ctx, given, output)


def _list(ctx: typer.Context, given: Sequence[str], output: Format) -> None:
    container = container_of(ctx)
    found = container.symbols.names(given)
    view = SYMBOLS if len({one.name.provider for one in found}) < 2 else _OF_SEVERAL
    write(view, found, output, container.reports.now())


@group.command()
def rename(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The symbol that it had.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The symbol under which it trades now.")],
    at: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="Since when; now if not given.")] = None,
    provider: Provider = "yahoo",
) -> None:
    """Let an instrument bear another symbol. Its data stays its data, under one permanent id.

    Jobs that name the old one ask for it by the new one from now on.
    """
    wish = Renaming(provider, old, new, day_or_instant(at, "--at") if at else None)
    jobs = container_of(ctx).symbols.rename(wish, by=submitter())
    was, now = old.upper(), new.upper()
    typer.echo(f"symbol/{was} renamed to {now}")
    if jobs:
        names = _named([job.name for job in jobs])
        typer.echo(f"stockctl: {names} still name {was}: it is asked for as {now}", err=True)


@group.command()
def redenominate(
    ctx: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="One whose source tells another currency or unit.")],
    currency: Annotated[
        str | None,
        typer.Argument(metavar="CURRENCY", help="Which, as the source writes it (EUR, GBP, GBp), if it tells several."),
    ] = None,
    former_as: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A name for what is stored until now, if the currency is another: to read it by."
        ),
    ] = None,
    provider: Provider = "yahoo",
) -> None:
    """Accept that a symbol has another currency or unit for good. Its source has to tell it so.

    Of another unit (pence that became pounds), all that is stored is converted. Of another currency, the symbol names a new
    instrument from now on, or again the one that it named before in that currency; what is stored stays with the former one.
    """
    done = container_of(ctx).symbols.redenominate(Redenomination(provider, symbol, currency, former_as), by=submitter())
    name = symbol.upper()
    if done.former is None:
        typer.echo(f"symbol/{name} is in {done.now} now: {counted(done.bars, 'bar')} converted from {done.was}")
        return
    again = "the instrument again that it named before" if done.is_return else "a new instrument"
    typer.echo(f"symbol/{name} names {again}, in {done.now}, from now on; what is stored in {done.was} stays")
    if done.bars:
        typer.echo(f"stockctl: {counted(done.bars, 'bar')} of it converted to {done.now}", err=True)
    if not done.is_return:
        asked = f"`stockctl backfill --symbols {name} --interval 1d --period 10y{named_in_command(provider)}`"
        typer.echo(f"stockctl: {asked} asks for its history in {done.now}", err=True)
    if former_as is None:
        typer.echo(f"stockctl: what is stored in {done.was} has no name now: it is instrument {done.former}", err=True)


def _named(jobs: Sequence[str]) -> str:
    return ", ".join(jobs[:5]) + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")


@group.command()
def revive(
    ctx: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="One that is suspect or dead.")],
    provider: Provider = "yahoo",
) -> None:
    """Ask for a suspect or dead symbol as ever again."""
    was_down = container_of(ctx).symbols.revive(provider, symbol, by=submitter())
    typer.echo(f"symbol/{symbol.upper()} {'is active again' if was_down else 'was active already'}")
