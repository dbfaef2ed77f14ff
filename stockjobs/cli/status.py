"""`stockctl status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from stockjobs.cli.exits import ExitCode
from stockjobs.cli.output import Column, View, as_json, table
from stockjobs.cli.session import container_of
from stockjobs.cli.stats import StatisticsFormat
from stockjobs.services.work.health import Component


def _document(part: Component) -> dict[str, object]:
    return {
        "name": part.name,
        "isWell": part.is_well,
        "health": part.condition,
        "about": part.about,
        "since": part.since,
    }


_VIEW: View[Component] = View(
    name=lambda part: f"component/{part.name}",
    columns=(
        Column("component", lambda part: part.name),
        Column("health", lambda part: part.condition),
        Column("since", lambda part: part.since),
        Column("about", lambda part: part.about, is_prose=True),
    ),
    document=_document,
)


def status(
    ctx: typer.Context,
    output: Annotated[StatisticsFormat, typer.Option("--output", "-o", help="How to write it.")] = (
        StatisticsFormat.TABLE
    ),
) -> None:
    """Tell whether database, Redis, beat and workers do their work.

    Beats are seen by what they leave undone: work that is overdue. A provider that the whole fleet leaves alone is told,
    with why and until when. What is paused, a provider that has only asked us to slow down, and that there are no
    workers while nothing waits, is noted. The exit code is 1 if anything has failed.
    """
    parts = container_of(ctx).health.check()
    if output is StatisticsFormat.JSON:
        typer.echo(as_json([_document(part) for part in parts]))
    else:
        for line in table(_VIEW, parts, datetime.now(UTC), is_wide=False):
            typer.echo(line)
    if not all(part.is_well for part in parts):
        raise typer.Exit(ExitCode.ERROR)
