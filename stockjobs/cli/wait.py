"""`stockctl wait`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.ending import Ending, conclude, waited_for
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking


@taking(ending=waited_for)
def wait(
    ctx: typer.Context,
    occurrence: Annotated[
        str, typer.Argument(metavar="OCCURRENCE", help="Its id; the first 4 or more digits suffice.")
    ],
    ending: Ending,
) -> None:
    """Wait until an occurrence has ended, and say how.

    The exit code is 0 if it completed, 8 if only some of its symbols were collected, 7 if none were, 124 if the time was up.
    """
    container = container_of(ctx)
    found = container.reports.occurrence(occurrence.removeprefix("occurrence/")).occurrence
    conclude(container, found, ending)
