"""Options of work that is to start later, or after other work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.domain.periods import parse_duration, parse_instant
from stockjobs.domain.work.jobs import OnFailure
from stockjobs.errors import InvalidInput
from stockjobs.services.work.requests import Timing

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="INSTANT",
        help="The time that the work is about, such as 2026-01-31T15:30:00Z: its day decides on the lane, and it does not"
        " start before then. To start it later only, give --start-after.",
    ),
]
StartAfter = Annotated[
    str | None,
    typer.Option("--start-after", metavar="INSTANT|TIME", help="Not before then, or so long from now: 10m, PT10M."),
]
After = Annotated[
    list[str] | None,
    typer.Option("--after", metavar="OCCURRENCE", help="Not before that has completed; may be repeated."),
]
OnFailureOfThose = Annotated[
    OnFailure, typer.Option("--on-failure", help="What becomes of it if one of --after did not complete.")
]


@dataclass(frozen=True)
class Later:
    """When work is to start, as it was typed and checked."""

    at: datetime | None
    start_after: datetime | timedelta | None
    after: tuple[str, ...]
    on_failure: OnFailure

    def timing(self, container: Container) -> Timing:
        """The same by the clock of the database."""
        start = self.start_after
        if isinstance(start, timedelta):
            start = container.reports.now() + start
        return Timing(self.at, start, self.after, self.on_failure)


def later(
    *,
    at: At = None,
    start_after: StartAfter = None,
    after: After = None,
    on_failure: OnFailureOfThose = OnFailure.SKIP,
) -> Later:
    """Read what was typed. Raises InvalidInput."""
    return Later(
        parse_instant(at, "--at") if at else None,
        _start(start_after) if start_after else None,
        tuple(text.removeprefix("occurrence/") for text in after or ()),
        on_failure,
    )


def _start(text: str) -> datetime | timedelta:
    if text.startswith("-"):
        raise InvalidInput.because("--start-after", f"{text!r} is a negative time", "such as 10m, or an instant")
    if "-" in text or ":" in text:
        return parse_instant(text, "--start-after")
    return parse_duration(text, "--start-after")
