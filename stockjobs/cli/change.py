"""`stockctl enable`, `disable` and `delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.session import container_of, submitter
from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput

_KINDS = ("job", "template")
Jobs = Annotated[list[str], typer.Argument(metavar="JOB", help="The jobs' names.")]


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
    names: Annotated[
        list[str],
        typer.Argument(metavar="KIND NAME", help="The word job or template, then names; or job/NAME, template/NAME."),
    ],
) -> None:
    """Delete jobs or templates. History, data and the jobs of a template stay.

    What is open of a job is cancelled. A job that is applied again later has its history back.
    """
    container = container_of(ctx)
    for kind, name in _named(names):
        if kind == "template":
            container.templates.delete(name)
        else:
            container.administration.delete(name, by=submitter())
        typer.echo(f"{kind}/{name} deleted")


def _named(given: list[str]) -> list[tuple[str, str]]:
    """What is to be deleted, as kind and name."""
    first = given[0].removesuffix("s")
    if first in _KINDS and len(given) > 1:
        return [(first, name) for name in given[1:]]
    named = []
    for text in given:
        kind, slash, name = text.partition("/")
        if kind not in _KINDS or not slash:
            raise InvalidInput.because("delete", f"what {excerpt(text)} is was not said", "stockctl delete job NAME")
        named.append((kind, name))
    return named
