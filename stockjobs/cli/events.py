"""`stockctl events`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated
from uuid import UUID

import typer

from stockjobs.cli.ages import moment
from stockjobs.cli.output import as_json_line
from stockjobs.cli.session import container_of
from stockjobs.cli.views import camel, short
from stockjobs.domain.events import Event
from stockjobs.services.reports import Reports


class EventFormat(StrEnum):
    """How events are written: in words, or one JSON document a line."""

    TEXT = "text"
    JSON = "json"


def events(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with what happens, until Ctrl-C.")] = False,
    occurrence: Annotated[
        str | None, typer.Option("--occurrence", metavar="ID", help="Only those of this occurrence.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            "--after", min=0, max=2**63 - 1, metavar="N", help="All those after event N, in place of the last ones."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, max=10_000, help="So many of the last ones.")] = 20,
    output: Annotated[EventFormat, typer.Option("--output", "-o", help="How to write them.")] = EventFormat.TEXT,
) -> None:
    """Show what happened, and follow what happens.

    Each event has a number, which --after takes, so that a program can go on where it stopped.
    """
    container = container_of(ctx)
    reports, zone = container.reports, container.settings.time_zone
    of = reports.occurrence(occurrence).occurrence.id if occurrence else None
    for event in _found(reports, after, of, limit, follow=watch):
        # Whoever follows through a pipe wants each line when it happens.
        typer.echo(as_json_line(camel(event)) if output is EventFormat.JSON else _line(event, zone))


def _found(reports: Reports, after: int | None, of: UUID | None, limit: int, *, follow: bool) -> Iterator[Event]:
    if after is not None:
        return reports.events(after=after, occurrence=of, follow=follow)
    cursor = reports.newest_event()
    last = reports.last_events(limit, occurrence=of) if limit else []
    following = reports.events(after=max(cursor, last[-1].id if last else 0), occurrence=of, follow=True)
    return chain(last, following) if follow else iter(last)


def _line(event: Event, zone: str) -> str:
    data = dict(event.data)
    job = data.pop("job", "-")
    place = f"occurrence={short(event.occurrence_id)}" if event.occurrence_id else ""
    task = f"task={short(event.task_id)}" if event.task_id else ""
    rest = " ".join(f"{name}={_word(value)}" for name, value in data.items())
    words = (f"{event.id:>6}", moment(event.at, zone), f"{event.name:<13}", str(job), place, task, rest)
    return "  ".join(word for word in words if word)


def _word(value: object) -> str:
    text = str(value).partition("\n")[0]
    return f"{text!r}" if " " in text else text
