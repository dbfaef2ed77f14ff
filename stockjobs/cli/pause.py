"""`stockctl pause` and `resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.session import container_of, submitter
from stockjobs.domain.counting import counted
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.scheduling.schedules import Misfire
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pauses import Scope
from stockjobs.errors import InvalidInput
from stockjobs.markets.sessions import sessions
from stockjobs.services.work.preview import made_up
from stockjobs.store.ledger.definitions import Job

_SCOPES = {scope.shown: scope for scope in Scope}
What = Annotated[
    list[str],
    typer.Argument(metavar="WHAT", help="job/NAME, lane/realtime, lane/historical or everything; several if you like."),
]


def pause(
    ctx: typer.Context,
    what: What,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for those who wonder later; for lanes and everything.")
    ] = "",
) -> None:
    """Let nothing more of jobs, a lane or everything start. What runs goes on.

    It holds until `resume`, whatever is restarted meanwhile. Schedules go on: the work of a paused lane waits in SQL. What a
    paused job misses is made up or not when it is resumed.
    """
    targets = [_target(text, "pause") for text in what]
    if reason and (jobs := [target for target in targets if not isinstance(target, Scope)]):
        raise InvalidInput.because("--reason", f"is kept of lanes and everything, not of job/{jobs[0]}", "leave it out")
    container = container_of(ctx)
    for target in targets:
        _pause(container, target, reason)


def _pause(container: Container, target: Scope | str, reason: str) -> None:
    if not isinstance(target, Scope):
        was_paused = container.reports.job(target).job.paused
        container.administration.pause(target, by=submitter())
        typer.echo(f"job/{target} {'was paused already' if was_paused else 'paused'}")
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
    """Let jobs, a lane or everything start again. The next tick of a beat offers what waits."""
    targets = [_target(text, "resume") for text in what]
    if missed and (scopes := [target for target in targets if isinstance(target, Scope)]):
        raise InvalidInput.because(
            "--missed", f"goes with jobs: while {scopes[0].shown} is paused, schedules go on", "leave it out"
        )
    container = container_of(ctx)
    for target in targets:
        _resume(container, target, missed)


def _resume(container: Container, target: Scope | str, missed: Misfire | None) -> None:
    if not isinstance(target, Scope):
        before = container.reports.job(target).job
        after = container.administration.resume(target, missed=missed, by=submitter())
        typer.echo(f"job/{target} {'resumed' if before.paused else 'was not paused'}{_made_up(before, after, missed)}")
        return
    was_paused = container.holding.resume(target, by=submitter())
    typer.echo(f"{target.shown} {'resumed' if was_paused else 'was not paused'}")
    still = [pause.scope.shown for pause in container.holding.pauses() if set(pause.scope.lanes) & set(target.lanes)]
    if still:
        typer.echo(f"stockctl: still paused: {', '.join(still)}", err=True)


def _made_up(before: Job, after: Job, missed: Misfire | None) -> str:
    """How many due times that passed while a job was paused are made up, and how many are not; nothing if none passed."""
    if not before.paused or before.next_due_at is None or before.next_due_at > after.updated_at:
        return ""
    schedule = before.spec.schedule
    found = made_up(schedule, sessions, before.next_due_at, after.updated_at, missed or schedule.misfire)
    left = found.missed
    count = f"{'' if left.is_exact else 'more than '}{left.count:,}" if left else "none"
    return f": {counted(len(found.run), 'missed due time')} made up, {count} left out"


def _target(text: str, verb: str) -> Scope | str:
    """A lane or everything, or the name of a job."""
    kind, slash, name = text.partition("/")
    if kind == "job" and slash and name:
        return name
    if text in _SCOPES:
        return _SCOPES[text]
    if text in {lane.value for lane in Lane}:
        cure = f"write lane/{text}"
    elif slash:
        cure = f"job/NAME, {', '.join(_SCOPES)}"
    else:
        cure = f"write job/{text} if it is a job"
    raise InvalidInput.because(verb, f"what {excerpt(text)} is was not said", cure)
