"""`stockctl trigger`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.arguments import Key
from stockjobs.cli.ending import Ending, conclude, ending_of
from stockjobs.cli.later import Later, later
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.services.work.requests import Request


@taking(when=later, ending=ending_of)
def trigger(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")],
    key: Key = None,
    *,
    when: Later,
    ending: Ending,
) -> None:
    """Ask for an occurrence of a job, now or for later.

    It is written to stdout as soon as it is stored; with --wait, when it has ended.
    """
    container = container_of(ctx)
    occurrence = container.requests.trigger(Request(job, submitter(), key, timing=when.timing(container)))
    conclude(container, occurrence, ending)
