"""`stockctl schedule`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.ages import moment
from stockjobs.cli.rules import Clocks, Rule, clocks_of, rule_of
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.errors import InvalidInput
from stockjobs.services.work.administration import Change
from stockjobs.services.work.rescheduling import MANUAL


@taking(rule=rule_of, clocks=clocks_of)
def schedule(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")],
    rule: Rule,
    *,
    manual: Annotated[bool, typer.Option("--manual", help="Due only when it is triggered.")] = False,
    clocks: Clocks,
    jitter: Annotated[
        str | None, typer.Option("--jitter", metavar="TIME", help="Start up to so much later than due: 30s, PT30S.")
    ] = None,
) -> None:
    """Change when a job is due, at once, while everything runs.

    A rule (--cron, --interval, --once, --session or --manual) takes the place of the one before; all else of the schedule
    stays. What was due until now is run as it was; the new schedule counts from now.
    """
    extras = {"time_zone": clocks.time_zone, "jitter": jitter, "calendar": clocks.calendar}
    given = rule | {name: value for name, value in extras.items() if value is not None}
    if manual and given:
        raise InvalidInput.because("--manual", "takes the schedule away, and goes with no other option", "remove them")
    if not manual and not given:
        raise InvalidInput.because(
            "schedule",
            "what is to be different was not said",
            "name a rule, such as --cron '0 18 * * MON-FRI', or --time-zone, --exchange or --jitter",
        )
    container = container_of(ctx)
    name = job.removeprefix("job/")
    applied = container.administration.reschedule(name, MANUAL if manual else given, by=submitter())
    due = applied.after.next_due_at
    when = f", due next {moment(due, container.settings.time_zone)}" if due else ", not due by itself"
    how = "has this schedule already" if applied.change is Change.UNCHANGED else "rescheduled"
    typer.echo(f"job/{name} {how}{when}")
