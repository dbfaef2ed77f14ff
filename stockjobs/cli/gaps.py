"""`stockctl gaps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from stockjobs.cli.arguments import Output
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.series import Named, looked, named
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking
from stockjobs.domain.market.coverage import Cause
from stockjobs.services.market.covered import NO_CALENDAR, Coverage, Hole


def _next(hole: Hole) -> object:
    """When it is asked for next by `repair` and backfills; the past is at once."""
    if hole.cause in (Cause.NOT_YET, Cause.BEYOND_RETENTION):
        return None
    return hole.ask_again_at or "never"


def _document(hole: Hole) -> dict[str, Any]:
    gap = hole.gap
    return {
        "symbol": hole.symbol,
        "interval": hole.interval,
        "day": hole.day,
        "missing": hole.missing,
        "cause": hole.cause,
        "asked": gap.asked if gap else 0,
        "askedAt": gap.asked_at if gap else None,
        "askAgainAt": hole.ask_again_at,
        "lostAt": hole.lost_at,
    }


GAPS: View[Hole] = View(
    name=lambda hole: f"{hole.symbol}/{hole.interval}/{hole.day}",
    columns=(
        Column("symbol", lambda hole: hole.symbol),
        Column("interval", lambda hole: hole.interval),
        Column("day", lambda hole: hole.day),
        Column("missing", lambda hole: hole.missing, is_right=True),
        Column("cause", lambda hole: hole.cause),
        Column("asked", lambda hole: hole.gap.asked if hole.gap else 0, is_right=True, spare=2),
        Column("last asked", lambda hole: hole.gap.asked_at if hole.gap else None, spare=3),
        Column("next ask", _next, is_wait=True),
        Column(
            "lost in", lambda hole: hole.lost_at if hole.cause is not Cause.BEYOND_RETENTION else None, is_wait=True
        ),
    ),
    document=_document,
    keeps_empty=True,
)


def _none(series: Sequence[Coverage], provider: str, causes: Sequence[Cause]) -> str:
    """What to say where no bar is known to be missing, or none for some causes."""
    if not series:
        return "Nothing is stored yet."
    of_them = f" for the cause {' or '.join(causes)}" if causes else ""
    unjudged = next((one for one in series if one.note), None)
    if unjudged is None:
        return f"No bars are missing{of_them}."
    why = why_unjudged(unjudged, provider)
    return f"No bars are known to be missing{of_them}; of {unjudged.series.symbol} it cannot be told: {why}."


def why_unjudged(found: Coverage, provider: str) -> str:
    """Why it cannot be told what is missing of a series, and what to do about it."""
    if found.note != NO_CALENDAR:
        return found.note
    exchange = found.series.exchange
    why = f"the sessions of its exchange, {exchange}, are not known" if exchange else "its source names no exchange"
    cure = (
        ": name one in instruments.csv, such as NMS, XNYS or LSE, and collect it again" if provider == "files" else ""
    )
    return f"{found.note}, as {why}{cure}"


@taking(series=named)
def gaps(
    ctx: typer.Context,
    series: Named,
    cause: Annotated[
        list[Cause] | None,
        typer.Option(
            "--cause", metavar="CAUSE", help=f"Only those of this cause; may be repeated: {', '.join(Cause)}."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="At most so many, the newest first; 0 for all.")
    ] = 1_000,
    output: Output = Format.TABLE,
) -> None:
    """List the days of which bars are missing, with the cause. It tells when the source is asked for them again.

    A gap that is the source's is left alone for growing pauses: a day, 3, 7, 30 days, and then for ever. `lost in` says when the
    source will no longer keep the bars, where it keeps only the newest.
    """
    container = container_of(ctx)
    wanted = series.wanted(container)
    looked_at = list(looked(container, wanted))
    found = [hole for one in looked_at for hole in one.holes if not cause or hole.cause in cause]
    found.sort(key=lambda hole: (-hole.day.toordinal(), hole.symbol, hole.interval.seconds))
    shown = found[:limit] if limit else found
    view = replace(GAPS, none=_none(looked_at, wanted[0].provider, cause or ()))
    write(view, shown, output, container.reports.now())
    if len(shown) < len(found):
        typer.echo(f"stockctl: the newest {limit:,} of {len(found):,}; --limit 0 shows all", err=True)
