"""`stockctl next`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from stockjobs.cli.ages import moment
from stockjobs.cli.output import as_json
from stockjobs.cli.session import container_of
from stockjobs.cli.sources import sources
from stockjobs.cli.tables import has_colour, lines
from stockjobs.cli.values import checked
from stockjobs.domain.jobs import ScheduleSpec
from stockjobs.domain.windows import parse_start
from stockjobs.errors import InvalidInput
from stockjobs.markets.sessions import sessions
from stockjobs.services.manifests import read_all
from stockjobs.services.preview import Fire, fires_between, upcoming_fires

_AT_MOST = 10_000
_ASKED = 5


class Shown(StrEnum):
    """How due times are written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)
class _Asked:
    """A schedule whose due times are asked for, with the name of its job, if it is one's."""

    job: str
    schedule: ScheduleSpec


def show(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="The job's name.")] = None,
    filename: Annotated[
        list[str] | None,
        typer.Option("--filename", "-f", metavar="FILE|FOLDER|-", help="Manifests, in place of a job."),
    ] = None,
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="CRON", help="A cron expression, in place of a job.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", metavar="ZONE", help="The zone of --cron; UTC if not given.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=1, max=_AT_MOST, help="At most so many; 5, or all until --to.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY|INSTANT", help="From then on, included; now if not given.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY|INSTANT", help="Until then, excluded.")] = None,
    output: Annotated[Shown, typer.Option("--output", "-o", help="How to write them.")] = Shown.TABLE,
) -> None:
    """Show when a job is due next, or all its due times between two instants.

    Times are shown in UTC and by the clocks of the job's zone, in which days begin too. Nothing is stored.
    """
    asked = _asked(ctx, job, filename, cron, time_zone)
    found = [(one, _fires(one.schedule, count, start, end)) for one in asked]
    if output is Shown.JSON:
        typer.echo(as_json([_document(one, fire) for one, fires in found for fire in fires]))
        return
    for index, (one, fires) in enumerate(found):
        for line in _lines(one, fires, is_named=len(found) > 1, is_first=index == 0):
            typer.echo(line)


def _asked(
    ctx: typer.Context, job: str | None, names: list[str] | None, cron: str | None, zone: str | None
) -> list[_Asked]:
    if sum((job is not None, bool(names), cron is not None)) != 1:
        raise InvalidInput.because(
            "next", "takes a job, or --filename, or --cron, and one of them", "stockctl next --cron '0 18 * * MON-FRI'"
        )
    if zone is not None and cron is None:
        raise InvalidInput.because("--time-zone", "goes with --cron", "a job has a zone of its own")
    if cron is not None:
        return [_Asked("", checked(ScheduleSpec, {"cron": cron, "timeZone": zone}))]
    if names:
        return [_Asked(one.metadata.name, one.spec.schedule) for one in read_all(sources(names)).jobs]
    found = container_of(ctx).reports.job(str(job).removeprefix("job/")).job
    return [_Asked(found.name, found.spec.schedule)]


def _fires(schedule: ScheduleSpec, count: int | None, start: str | None, end: str | None) -> list[Fire]:
    first = parse_start(start, schedule.time_zone, "--from") if start else datetime.now(UTC)
    if end is None and start is None:
        return upcoming_fires(schedule, sessions, first, count or _ASKED)
    last = parse_start(end, schedule.time_zone, "--to") if end else datetime.max.replace(tzinfo=UTC)
    if first >= last:
        raise InvalidInput.because("--to", f"{end} is not after {start or 'now'}", "give a later one, or swap them")
    return fires_between(schedule, sessions, first, last, limit=count or (_AT_MOST if end else _ASKED))


def _document(one: _Asked, fire: Fire) -> dict[str, object]:
    return {
        "job": one.job or None,
        "dueAt": fire.at,
        "local": fire.local.isoformat(),
        "timeZone": one.schedule.time_zone,
        "note": fire.note or None,
    }


def _lines(one: _Asked, fires: Sequence[Fire], *, is_named: bool, is_first: bool) -> Iterator[str]:
    if is_named:
        yield from () if is_first else ("",)
        yield f"job/{one.job}  {one.schedule.shown()}"
    zone = one.schedule.time_zone
    rows = [_row(fire, zone) for fire in fires]
    if rows:
        has_notes = any(row[-1] for row in rows)
        titles = ["due", *([zone] if zone != "UTC" else []), "note"]
        width = len(titles) if has_notes else len(titles) - 1
        yield from lines(titles[:width], [row[:width] for row in rows], colour=has_colour())
    else:
        yield "Only when it is triggered." if one.schedule.shown() == "manual" else "Not due."


def _row(fire: Fire, zone: str) -> list[str]:
    there = [f"{fire.local:%a} {moment(fire.at, zone)}"] if zone != "UTC" else []
    return [f"{fire.at:%a} {moment(fire.at, 'UTC')}", *there, fire.note]
