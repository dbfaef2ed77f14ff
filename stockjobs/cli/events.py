"""`stockctl events`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Annotated

import typer

from stockjobs.cli import tables
from stockjobs.cli.ages import moment
from stockjobs.cli.output import as_json_line
from stockjobs.cli.session import container_of
from stockjobs.cli.tables import wrapped
from stockjobs.cli.taking import taking
from stockjobs.cli.values import words
from stockjobs.cli.views import camel, listed, short
from stockjobs.domain.events import Event, EventName, event_names
from stockjobs.services.work.feed import Feed

_HANG = 2
_LISTED = 10
"""Of a longer list only the first are written; the JSON has all."""


class EventFormat(StrEnum):
    """How events are written: in words, or one JSON document a line."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Which:
    """The events that are meant: of a job, an occurrence, some names; all after one of them, or so many of the last ones."""

    job: str | None
    occurrence: str | None
    names: tuple[EventName, ...]
    after: int | None
    limit: int


def which_of(
    *,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only those of this job.")] = None,
    occurrence: Annotated[
        str | None, typer.Option("--occurrence", metavar="ID", help="Only those of this occurrence.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="Only those of this name, such as job.failed; may be repeated."),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            "--after", min=0, max=2**63 - 1, metavar="N", help="All those after event N, in place of the last ones."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=10_000, metavar="N", help="So many of the last ones.")
    ] = 20,
) -> Which:
    """The events that options describe. Raises InvalidInput."""
    return Which(job, occurrence, event_names(words(name), "--name"), after, limit)


@taking(which=which_of)
def events(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with what happens, until Ctrl-C.")] = False,
    *,
    which: Which,
    output: Annotated[EventFormat, typer.Option("--output", "-o", help="How to write them.")] = EventFormat.TEXT,
) -> None:
    """Show what happened, and follow what happens.

    Each event has a number, which --after takes, so that a program can go on where it stopped. An event history.removed says
    that old ones after N were removed with the occurrences that they were about.
    """
    container = container_of(ctx)
    feed, zone = container.feed, container.settings.time_zone
    for event in _found(feed, which, follow=watch):
        # Whoever follows through a pipe wants each line when it happens.
        is_json = output is EventFormat.JSON
        for line in (
            [as_json_line(camel(event))] if is_json else wrapped(_line(event, zone), tables.width(), hang=_HANG)
        ):
            typer.echo(line)


def _found(feed: Feed, which: Which, *, follow: bool) -> Iterator[Event]:
    wanted = feed.filter(job=which.job, occurrence=which.occurrence, names=which.names)
    if which.after is not None:
        return feed.after(which.after, wanted, follow=follow)
    cursor = feed.newest()
    last = feed.last(which.limit, wanted) if which.limit else []
    return (
        chain(last, feed.after(max(cursor, last[-1].id if last else 0), wanted, follow=True)) if follow else iter(last)
    )


def _line(event: Event, zone: str) -> str:
    data = dict(event.data)
    job = data.pop("job", "-")
    place = f"occurrence={short(event.occurrence_id)}" if event.occurrence_id else ""
    task = f"task={short(event.task_id)}" if event.task_id else ""
    rest = " ".join(f"{name}={_word(value)}" for name, value in data.items())
    words = (f"{event.id:>6}", moment(event.at, zone), f"{event.name:<13}", str(job), place, task, rest)
    return "  ".join(word for word in words if word)


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{count}" for name, count in value.items())
    if isinstance(value, list | tuple):
        return listed(tuple(map(str, value)), _LISTED)
    text = str(value).partition("\n")[0]
    return f"{text!r}" if " " in text else text
