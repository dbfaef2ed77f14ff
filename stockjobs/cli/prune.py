"""`stockctl prune`."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from stockjobs.cli.filters import OfJob, OfStates, states_of
from stockjobs.cli.session import container_of, submitter
from stockjobs.domain.counting import counted
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.retention import Retention
from stockjobs.domain.work.states import ENDED, State
from stockjobs.errors import InvalidInput
from stockjobs.services.work.maintenance import Maintenance
from stockjobs.store.ledger.retention import Removed

_PAUSE_S = 0.02


def prune(
    ctx: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="PERIOD", help="What ended longer ago: 30d, 12h, P30D; else as is set."),
    ] = None,
    state: OfStates = None,
    job: OfJob = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and remove nothing.")] = False,
) -> None:
    """Remove old history. Ended occurrences go, with their tasks, attempts and events.

    Beat does so by itself, as the settings retention, retention_failed and retention_count say. Market data, findings and the
    history of definitions stay, and so do each job's newest occurrence and what others wait for.
    """
    policy, states = _policy(older_than), _ended(state)
    maintenance = container_of(ctx).maintenance
    name = job.removeprefix("job/") if job else None
    if dry_run:
        counts = maintenance.prunable(policy, states=states, job=name)
        for one, count in counts.items():
            typer.echo(f"{count:,} {one}")
        typer.echo(f"{counted(sum(counts.values()), 'occurrence')} would be removed")
        return
    total = _removed(maintenance, policy, states, name)
    with_them = f"{counted(total.tasks, 'task')} and {counted(total.events, 'event')}"
    typer.echo(f"{counted(total.occurrences, 'occurrence')} removed, with {with_them}")


def _policy(older_than: str | None) -> Retention | None:
    if older_than is None:
        return None
    length = parse_period(older_than, "--older-than")
    return Retention(length, length)


def _ended(state: list[str] | None) -> tuple[State, ...]:
    states = states_of(state)
    if still_open := [one for one in states if one not in ENDED]:
        raise InvalidInput.because("--state", f"what is {still_open[0]} has not ended", f"one of {', '.join(ENDED)}")
    return states


def _removed(maintenance: Maintenance, policy: Retention | None, states: tuple[State, ...], job: str | None) -> Removed:
    console, total = Console(stderr=True), Removed()
    with console.status("Looking for old history") as status:
        for removed in maintenance.prune(policy, by=submitter(), states=states, job=job):
            total += removed
            status.update(f"{counted(total.occurrences, 'occurrence')} removed")
            # So that whoever else wants to write comes in between.
            time.sleep(_PAUSE_S)
    return total
