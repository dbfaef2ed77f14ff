"""Options that say when something is due, the same for every verb that takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

Cron = Annotated[str | None, typer.Option("--cron", metavar="CRON", help="Due by a cron expression of 5 or 6 fields.")]
Interval = Annotated[
    str | None, typer.Option("--interval", metavar="R/…", help="Due by an ISO 8601 repeating interval.")
]
Once = Annotated[str | None, typer.Option("--once", metavar="INSTANT", help="Due once.")]
Session = Annotated[
    str | None,
    typer.Option("--session", metavar="@RULE", help="Due by an exchange's sessions: @open+5m, @close-10m."),
]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", metavar="ZONE", help="The zone whose clocks the schedule goes by.")
]
Exchange = Annotated[str | None, typer.Option("--exchange", metavar="MIC", help="The exchange whose sessions count.")]


Rule = dict[str, object]
"""A rule in the words of `ScheduleSpec`; empty if none was given."""


@dataclass(frozen=True)
class Clocks:
    """By whose clocks and sessions a rule goes."""

    time_zone: str | None
    exchange: str | None

    @property
    def calendar(self) -> dict[str, str] | None:
        """The exchange in the words of `ScheduleSpec`."""
        return {"exchange": self.exchange} if self.exchange else None


def clocks_of(*, time_zone: TimeZone = None, exchange: Exchange = None) -> Clocks:
    """The clocks that were given."""
    return Clocks(time_zone, exchange)


def rule_of(*, cron: Cron = None, interval: Interval = None, once: Once = None, session: Session = None) -> Rule:
    """The rules that were given, in the words of `ScheduleSpec`."""
    given = {"cron": cron, "interval": interval, "once": once, "session": session}
    return {name: value for name, value in given.items() if value is not None}
