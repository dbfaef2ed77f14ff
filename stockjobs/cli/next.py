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
from stockjobs.cli.rules import Clocks, Rule, rule_of
from stockjobs.cli.rules import clocks_of as clocks_given
from stockjobs.cli.session import container_of
from stockjobs.cli.sources import sources
from stockjobs.cli.tables import has_colour, lines
from stockjobs.cli.taking import taking
from stockjobs.cli.values import checked
from stockjobs.domain.scheduling.windows import parse_start
from stockjobs.domain.work.jobs import ScheduleSpec
from stockjobs.errors import InvalidInput, Problem
from stockjobs.markets.sessions import sessions
from stockjobs.services.documents.manifests import read_all
from stockjobs.services.work.preview import Fire, clocks_of, fires_between, upcoming_fires

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
    where: str = ""
    """Where the schedule was typed, which one that is never due is refused with; "" of a stored job."""


@dataclass(frozen=True)
class Limits:
    """How many due times are shown, and between which instants, as they were typed."""

    count: int | None
    start: str | None
    end: str | None


def limits_of(
    *,
    count: Annotated[
        int | None,
        typer.Option("-n", "--count", min=1, max=_AT_MOST, metavar="N", help="At most so many; 5, or all until --to."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY|INSTANT", help="From then on, included; now if not given.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY|INSTANT", help="Until then, excluded.")] = None,
) -> Limits:
    """What was typed; a day is read later, by the clocks of each schedule."""
    return Limits(count, start, end)


@taking(rule=rule_of, clocks=clocks_given, limits=limits_of)
def show(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="The job's name.")] = None,
    filename: Annotated[
        list[str] | None,
        typer.Option("--filename", "-f", metavar="FILE|FOLDER|-", help="Manifests, in place of a job."),
    ] = None,
    *,
    rule: Rule,
    clocks: Clocks,
    limits: Limits,
    output: Annotated[Shown, typer.Option("--output", "-o", help="How to write them.")] = Shown.TABLE,
) -> None:
    """Show when a job is due next, or between two instants.

    A job, manifests, or a rule that is not stored yet: --cron, --interval, --once or --session, with --time-zone and --exchange.
    Times are shown in UTC and by the clocks of the schedule's zone, or else of its exchange's; days begin by them too. Nothing is
    stored.
    """
    if sum((job is not None, bool(filename), bool(rule))) != 1:
        raise InvalidInput.because(
            "next",
            "takes a job, or --filename, or a rule such as --cron, and one of them",
            "stockctl next --cron '0 18 * * MON-FRI'",
        )
    if rule:
        asked = [_of_rule(rule, clocks)]
    elif option := "--time-zone" if clocks.time_zone else "--exchange" if clocks.exchange else None:
        raise InvalidInput.because(option, "goes with a rule such as --cron", "a job has one of its own")
    else:
        asked = _of_files(filename) if filename else [_of_job(ctx, str(job))]
    found = [(one, _fires(one.schedule, limits)) for one in asked]
    if not limits.start and not limits.end:
        _refuse_what_is_over([one for one, fires in found if not fires])
    if output is Shown.JSON:
        typer.echo(as_json([_document(one, fire) for one, fires in found for fire in fires]))
        return
    for index, (one, fires) in enumerate(found):
        for line in _lines(one, fires, is_named=len(found) > 1, is_first=index == 0):
            typer.echo(line)


def _of_rule(rule: Rule, clocks: Clocks) -> _Asked:
    if "session" in rule and not clocks.exchange:
        raise InvalidInput.because("--session", f"{rule['session']} needs an exchange", "add --exchange, such as XNYS")
    spec = checked(ScheduleSpec, {**rule, "timeZone": clocks.time_zone, "calendar": clocks.calendar})
    return _Asked("", spec, f"--{next(iter(rule))}")


def _of_files(names: list[str]) -> list[_Asked]:
    found = read_all(sources(names))
    return [
        _Asked(name, one.spec.schedule, found.place_of(name, ("spec", "schedule")))
        for one in found.jobs
        for name in [one.metadata.name]
    ]


def _of_job(ctx: typer.Context, name: str) -> _Asked:
    job = container_of(ctx).reports.job(name.removeprefix("job/")).job
    if job.paused or not job.enabled:
        typer.echo(f"stockctl: job/{job.name} is {job.status}: none of these will run", err=True)
    return _Asked(job.name, job.spec.schedule)


def _refuse_what_is_over(asked: Sequence[_Asked]) -> None:
    """Raise InvalidInput, as applying them would, for what was typed and is never due."""
    problems = [problem for one in asked if one.where for problem in _never_due(one, datetime.now(UTC))]
    if problems:
        raise InvalidInput(*problems)


def _never_due(one: _Asked, now: datetime) -> Sequence[Problem]:
    try:
        one.schedule.check_due_after(now, sessions, one.where)
    except InvalidInput as error:
        return error.problems
    return ()


def _fires(schedule: ScheduleSpec, limits: Limits) -> list[Fire]:
    count, start, end = limits.count, limits.start, limits.end
    first = parse_start(start, clocks_of(schedule), "--from") if start else datetime.now(UTC)
    if end is None and start is None:
        return upcoming_fires(schedule, sessions, first, count or _ASKED)
    last = parse_start(end, clocks_of(schedule), "--to") if end else datetime.max.replace(tzinfo=UTC)
    if first >= last:
        raise InvalidInput.because("--to", f"{end} is not after {start or 'now'}", "give a later one, or swap them")
    return fires_between(schedule, sessions, first, last, limit=count or (_AT_MOST if end else _ASKED))


def _document(one: _Asked, fire: Fire) -> dict[str, object]:
    return {
        "job": one.job or None,
        "dueAt": fire.at,
        "local": fire.local.isoformat(),
        "timeZone": clocks_of(one.schedule),
        "note": fire.note or None,
    }


def _lines(one: _Asked, fires: Sequence[Fire], *, is_named: bool, is_first: bool) -> Iterator[str]:
    if is_named:
        yield from () if is_first else ("",)
        yield f"job/{one.job}  {one.schedule.shown()}"
    zone = clocks_of(one.schedule)
    rows = [_row(fire, zone) for fire in fires]
    if rows:
        has_notes = any(row[-1] for row in rows)
        titles = ["due", *([zone] if zone != "UTC" else []), "note"]
        width = len(titles) if has_notes else len(titles) - 1
        yield from lines(titles[:width], [row[:width] for row in rows], colour=has_colour())
    else:
        yield _why_never(one)


def _why_never(one: _Asked) -> str:
    """What is said of a schedule in place of due times."""
    if one.schedule.shown() == "manual":
        return "Only when it is triggered."
    over = _never_due(one, datetime.now(UTC))
    return str(over[0]) if over else "Not due in that time."


def _row(fire: Fire, zone: str) -> list[str]:
    there = [f"{fire.local:%a} {moment(fire.at, zone)}"] if zone != "UTC" else []
    return [f"{fire.at:%a} {moment(fire.at, 'UTC')}", *there, fire.note]
