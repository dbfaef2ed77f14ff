"""`stockctl pause` and `resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.session import container_of, submitter
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.pauses import Scope
from stockjobs.domain.schedules import Misfire
from stockjobs.errors import InvalidInput

_SCOPES = {scope.shown: scope for scope in Scope}
What = Annotated[
    list[str],
    typer.Argument(metavar="WHAT", help="job/NAME, lane/realtime, lane/historical or everything; several if you like."),
]


def pause(
    ctx: typer.Context,
    what: What,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for those who wonder later; not for jobs.")
    ] = "",
) -> None:
    """Let nothing more of jobs, of a lane or of everything start; what runs goes on.

    It holds until `resume`, whatever is restarted meanwhile. Schedules go on: the work of a paused lane waits in SQL. What a
    paused job misses is made up or not when it is resumed.
    """
    targets = [_target(text) for text in what]
    container = container_of(ctx)
    for target in targets:
        _pause(container, target, reason)


def _pause(container: Container, target: Scope | str, reason: str) -> None:
    if not isinstance(target, Scope):
        container.administration.pause(target, by=submitter())
        typer.echo(f"job/{target} paused")
        return
    is_new = container.holding.pause(target, by=submitter(), reason=reason)
    typer.echo(f"{target.shown} {'paused' if is_new else 'was paused already'}")


def resume(
    ctx: typer.Context,
    what: What,
    missed: Annotated[
        Misfire | None,
        typer.Option(
            "--missed", help="Which of the due times that a job missed are made up, if not as its misfire says."
        ),
    ] = None,
) -> None:
    """Let jobs, a lane or everything start again what waits; the next tick of a beat offers it."""
    targets = [_target(text) for text in what]
    container = container_of(ctx)
    for target in targets:
        _resume(container, target, missed)


def _resume(container: Container, target: Scope | str, missed: Misfire | None) -> None:
    if not isinstance(target, Scope):
        container.administration.resume(target, missed=missed, by=submitter())
        typer.echo(f"job/{target} resumed")
        return
    was_paused = container.holding.resume(target, by=submitter())
    typer.echo(f"{target.shown} {'resumed' if was_paused else 'was not paused'}")
    still = [pause.scope.shown for pause in container.holding.pauses() if set(pause.scope.lanes) & set(target.lanes)]
    if still:
        typer.echo(f"stockctl: still paused: {', '.join(still)}", err=True)


def _target(text: str) -> Scope | str:
    """A lane or everything, or the name of a job."""
    kind, slash, name = text.partition("/")
    if kind == "job" and slash and name:
        return name
    if text in _SCOPES:
        return _SCOPES[text]
    raise InvalidInput.because(
        "pause",
        f"what {excerpt(text)} is was not said",
        f"job/NAME, {', '.join(_SCOPES)}; as in stockctl pause job/DAILY",
    )
