"""`stockctl status`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from stockjobs.cli.exits import ExitCode
from stockjobs.cli.output import Column, View, as_json, table
from stockjobs.cli.session import container_of
from stockjobs.cli.stats import StatisticsFormat
from stockjobs.services.health import Component

_VIEW: View[Component] = View(
    name=lambda part: f"component/{part.name}",
    columns=(
        Column("component", lambda part: part.name),
        Column("health", lambda part: "well" if part.is_well else "failed"),
        Column("about", lambda part: part.about),
    ),
    document=asdict,
)


def status(
    ctx: typer.Context,
    output: Annotated[StatisticsFormat, typer.Option("--output", "-o", help="How to write it.")] = (
        StatisticsFormat.TABLE
    ),
) -> None:
    """Tell whether database, Redis, beat and workers do their work.

    Beats are seen by what they leave undone: work that is overdue. The exit code is 1 if anything is not well.
    """
    parts = container_of(ctx).health.check()
    if output is StatisticsFormat.JSON:
        typer.echo(as_json([{"name": part.name, "isWell": part.is_well, "about": part.about} for part in parts]))
    else:
        for line in table(_VIEW, parts, datetime.now(UTC), is_wide=False):
            typer.echo(line)
    if not all(part.is_well for part in parts):
        raise typer.Exit(ExitCode.ERROR)
