"""`stockctl repair`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.ending import Ending, conclude, ending_of
from stockjobs.cli.series import Named, named
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.domain.counting import counted
from stockjobs.services.market.repair import Plan


@taking(series=named, ending=ending_of)
def repair(
    ctx: typer.Context,
    series: Named,
    force: Annotated[
        bool, typer.Option("--force", help="Ask also for what the source said it does not have, or was impossible.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it takes, and do nothing.")] = False,
    *,
    ending: Ending,
) -> None:
    """Ask for just the bars that are missing and may be had. They are one occurrence.

    What it takes is written to stderr before it starts. Bars that the source does not have are asked for again only after their
    pause, or with --force.
    """
    container = container_of(ctx)
    plan = container.repair.plan(series.wanted(container), force=force)
    said = _price(plan, force=force)
    if dry_run:
        typer.echo(f"{said} (dry run)")
        return
    typer.echo(f"stockctl: {said}", err=True)
    if not plan.parts:
        return
    conclude(container, container.repair.submit(plan, submitter=submitter()), ending)


def _price(plan: Plan, *, force: bool) -> str:
    """What a repair takes, in a line."""
    symbols = {symbol for part in plan.parts for symbol in part.symbols}
    price = f"{counted(plan.bars, 'missing bar')} of {counted(len(symbols), 'symbol')}"
    takes = f"{price}: {counted(plan.requests, 'request')} to {plan.provider}" if plan.parts else "nothing to ask for"
    hint = "" if force or not plan.left else "; --force asks for those that the source said it does not have"
    left = f"; {counted(plan.left, 'bar')} left alone (`stockctl gaps` says why{hint})" if plan.left else ""
    return f"{takes}{left}"
