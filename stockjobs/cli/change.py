"""`stockctl cancel`, `enable`, `disable` and `delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.session import container_of, submitter
from stockjobs.errors import InvalidInput

Jobs = Annotated[list[str], typer.Argument(metavar="JOB", help="The jobs' names.")]


def cancel(
    ctx: typer.Context,
    occurrences: Annotated[
        list[str], typer.Argument(metavar="OCCURRENCE", help="Their ids; the first 4 or more digits suffice.")
    ],
) -> None:
    """Cancel occurrences, whether they wait or run.

    What waits is cancelled at once, what runs within seconds.
    """
    steering = container_of(ctx).steering
    for text in occurrences:
        occurrence = steering.cancel(text.removeprefix("occurrence/"), by=submitter())
        typer.echo(f"occurrence/{occurrence.id} {occurrence.state}")


def enable(ctx: typer.Context, jobs: Jobs) -> None:
    """Let a job be due again; what it missed is not made up."""
    _switch(ctx, jobs, is_on=True)


def disable(ctx: typer.Context, jobs: Jobs) -> None:
    """Let a job be due no more, and refuse its trigger."""
    _switch(ctx, jobs, is_on=False)


def _switch(ctx: typer.Context, jobs: list[str], *, is_on: bool) -> None:
    administration = container_of(ctx).administration
    for name in jobs:
        administration.set_enabled(name.removeprefix("job/"), enabled=is_on, by=submitter())
        typer.echo(f"job/{name.removeprefix('job/')} {'enabled' if is_on else 'disabled'}")


def delete(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="job NAME", help="The word job, then names; or job/NAME.")],
) -> None:
    """Delete jobs; their history and their data stay.

    What is open of them is cancelled. A job that is applied again later has its history back.
    """
    administration = container_of(ctx).administration
    for name in _job_names(names):
        administration.delete(name, by=submitter())
        typer.echo(f"job/{name} deleted")


def _job_names(given: list[str]) -> list[str]:
    if given[0] in ("job", "jobs") and len(given) > 1:
        return given[1:]
    names = [name.removeprefix("job/") for name in given if name.startswith("job/")]
    if len(names) != len(given):
        raise InvalidInput.because("delete", f"what {given[0]!r} is was not said", "stockctl delete job NAME")
    return names
