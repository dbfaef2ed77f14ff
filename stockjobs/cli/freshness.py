"""`stockctl freshness`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stockjobs.cli.ages import span
from stockjobs.cli.arguments import Output, Watch
from stockjobs.cli.output import Column, Format, View
from stockjobs.cli.session import container_of
from stockjobs.cli.watching import show
from stockjobs.services.market.freshness import Freshness


def _document(found: Freshness) -> dict[str, Any]:
    return {
        "job": found.job,
        "isStale": found.is_stale,
        "targetS": found.target.total_seconds(),
        "behindS": found.behind.total_seconds(),
        "symbol": found.worst.symbol,
        "interval": found.worst.interval,
        "newestAt": found.worst.newest_at,
        "staleSince": found.stale_since,
    }


FRESHNESS: View[Freshness] = View(
    name=lambda found: f"job/{found.job}",
    columns=(
        Column("job", lambda found: found.job),
        Column("state", lambda found: "stale" if found.is_stale else "fresh"),
        Column("behind", lambda found: span(found.behind), is_right=True),
        Column("target", lambda found: span(found.target), is_right=True),
        Column("newest bar", lambda found: found.worst.newest_at),
        Column("symbol", lambda found: found.worst.symbol, spare=2),
        Column("interval", lambda found: found.worst.interval, spare=3),
        Column("stale for", lambda found: found.stale_since, spare=1),
    ),
    document=_document,
    keeps_empty=True,
    none="Nothing found: no job has `freshness:` set, or beat has not looked yet.",
)


def freshness(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="JOB", help="Only these jobs.")] = None,
    output: Output = Format.TABLE,
    watch: Watch = False,
) -> None:
    """Show how far jobs are behind what their sources have. It is held against the `freshness` that they name.

    A job is as fresh as its series that is furthest behind. While a market is closed nothing gets older.
    """
    container = container_of(ctx)
    for name in names or ():
        container.reports.job(name)
    show(
        FRESHNESS,
        lambda: container.freshness.report(names or ()),
        output,
        container.reports.now,
        follow=watch,
    )
