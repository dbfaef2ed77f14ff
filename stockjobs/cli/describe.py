"""`stockctl describe`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli import tables
from stockjobs.cli.ages import age, moment, span
from stockjobs.cli.findings import describe as describe_finding
from stockjobs.cli.get import Nouns
from stockjobs.cli.output import table
from stockjobs.cli.session import container_of
from stockjobs.cli.tables import fields, wrapped
from stockjobs.cli.templates import describe as describe_template
from stockjobs.cli.views import ATTEMPTS, OCCURRENCES, interval_of, progress, short
from stockjobs.cli.waiting import ends_in
from stockjobs.domain.counting import counted
from stockjobs.domain.events import Event
from stockjobs.domain.work.dependencies import Awaited
from stockjobs.domain.work.lanes import lane_of
from stockjobs.domain.work.states import State
from stockjobs.services.documents.manifests import render_document
from stockjobs.services.market.freshness import Freshness
from stockjobs.services.work import adhoc
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.tasks import Attempt, Task

_DUE_TIMES = 5
_OCCURRENCES = 5
_MISSED = 3

group = typer.Typer(
    cls=Nouns,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Show all about one job, occurrence, template or finding.",
)


@group.command("jobs")
def job(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The job's name.")]) -> None:
    """Show a job: its definition, due times, and last occurrences."""
    container = container_of(ctx)
    found = container.reports.job(name.removeprefix("job/")).job
    last = container.reports.occurrences(job=found.name, limit=_OCCURRENCES)
    for line in _job_lines(container, found, last, container.reports.now()):
        typer.echo(line)


def _job_lines(container: Container, job: Job, last: Sequence[OccurrenceReport], now: datetime) -> Iterator[str]:
    zone = container.settings.time_zone
    pairs = [
        ("Name", job.name),
        ("Status", job.status),
        ("Version", f"{job.version}, since {moment(job.updated_at, zone)} ({age(job.updated_at, now)} ago)"),
        ("Labels", ", ".join(f"{key}={value}" for key, value in job.labels.items()) or "-"),
        ("Definition", render_document(job.spec.document()).rstrip()),
        ("Next due", "\n".join(_due_times(container, job, now, zone))),
    ]
    if job.spec.freshness:
        pairs.append(("Freshness", "\n".join(map(_fresh, container.freshness.report([job.name]))) or "not looked at"))
    missed = "\n".join(_missed(one, zone) for one in container.feed.missed(job.id, _MISSED))
    if missed:
        pairs.append(("Missed", missed))
    yield from fields(pairs, most=tables.width())
    yield "Last occurrences:" if last else "Last occurrences:  none"
    yield from (f"  {line}" for line in (table(OCCURRENCES, last, now, is_wide=False) if last else ()))


def _fresh(found: Freshness) -> str:
    """How far a job is behind, in a line."""
    worst, state = found.worst, "stale" if found.is_stale else "fresh"
    behind = f"{worst.symbol} {worst.interval} is {span(found.behind)} behind" if found.behind else "nothing is missing"
    return f"{state}: {behind}; the target is {span(found.target)}"


def _missed(event: Event, zone: str) -> str:
    """Due times that were not run, in a line."""
    data = event.data
    first, last = (moment(datetime.fromisoformat(data[name]), zone) for name in ("first", "last"))
    count = f"{data['count']:,}" if data["is_exact"] else f"{data['count']:,} or more"
    why = f" ({data['reason']})" if data.get("reason") else ""
    return f"{count}: {first}{why}" if first == last else f"{count}: {first} to {last}{why}"


def _due_times(container: Container, job: Job, now: datetime, zone: str) -> Iterator[str]:
    if job.status != "enabled":
        yield f"never, while it is {job.status}"
        return
    times = list(islice(job.spec.schedule.rule(container.firing.sessions).iterate(now), _DUE_TIMES))
    for at in times:
        own = job.spec.schedule.time_zone
        there = f", {moment(at, own)} {own}" if own != zone else ""
        yield f"{moment(at, zone)} (in {span(at - now)}{there})"
    if not times:
        yield "only when it is triggered" if job.spec.schedule.shown() == "manual" else "never again"


@group.command("occurrences")
def occurrence(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="ID", help="Its id; the first 4 or more digits suffice.")],
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most so many of its tasks.")
    ] = 100,
) -> None:
    """Show an occurrence: tasks, attempts, and what went wrong."""
    container = container_of(ctx)
    report = container.reports.occurrence(text.removeprefix("occurrence/"), with_tasks=limit)
    for line in _occurrence_lines(report, container.reports.now(), container.settings.time_zone):
        typer.echo(line)


def _occurrence_lines(report: OccurrenceReport, now: datetime, zone: str) -> Iterator[str]:
    one = report.occurrence
    states = ", ".join(f"{count} {state}" for state, count in report.tasks.items())
    pairs = [
        ("Id", str(one.id)),
        ("Job", f"{one.job}, version {one.version}"),
        ("State", f"{one.state}: {one.reason}" if one.reason else one.state),
        *_about(report),
        ("Asked by", one.submitter),
        ("Scheduled for", moment(one.scheduled_for, zone)),
        *_waiting(report, now, zone),
        ("Window", _window(report, zone)),
        ("Started", _when(one.started_at, now, zone)),
        ("Ended", _when(one.finished_at, now, zone)),
        ("Tasks", f"{progress(report)} ended ({states})" if states else "none"),
        *_progress(report, now, zone),
        ("Rows written", f"{report.rows_written:,}"),
    ]
    if report.rows_aside:
        pairs.append(("Set aside", f"{counted(report.rows_aside, 'row')}: `stockctl get findings` says why"))
    if report.has_ended:
        pairs.append(("Symbols", f"{report.symbols:,} done: collected, or with nothing to ask for"))
    yield from fields(pairs, most=tables.width())
    for task, attempts in report.details:
        yield ""
        yield from _task_lines(task, attempts, now, zone)
    left_out = sum(report.tasks.values()) - len(report.details)
    if left_out > 0:
        yield f"\nand {counted(left_out, 'more task')}: --limit shows more of them"


def _window(report: OccurrenceReport, zone: str) -> str:
    """The window that was asked for; of what was asked for without a job, from the first to the last of its tasks."""
    asked = report.occurrence.requested_window
    if asked:
        return " ".join(f"{name} {value}" for name, value in asked.items())
    tasks = [task for task, _ in report.details] if adhoc.LABEL in report.labels else []
    starts = [task.window_start for task in tasks if task.window_start]
    ends = [task.window_end for task in tasks if task.window_end]
    return f"{moment(min(starts), zone)} to {moment(max(ends), zone)}" if starts and ends else "the job's"


def _progress(report: OccurrenceReport, now: datetime, zone: str) -> Iterator[tuple[str, str]]:
    """How much of an open occurrence is done, and when it will have ended."""
    if report.progress is not None and report.progress.work.total:
        work, ends_at = report.progress.work, report.progress.ends_at
        ends = f", ends about {moment(ends_at, zone)} ({ends_in(report.progress, now)})" if ends_at else ""
        yield "Progress", f"{work.done:,} of {work.total:,} symbols{ends}"


def _about(report: OccurrenceReport) -> Iterator[tuple[str, str]]:
    """What people said of the job: description, labels, tags; those that there are."""
    if report.spec is not None:
        said = {
            "Description": report.spec.description,
            "Labels": ", ".join(f"{key}={value}" for key, value in report.labels.items()),
            "Tags": ", ".join(report.spec.tags),
        }
        yield from ((name, text) for name, text in said.items() if text)


def _waiting(report: OccurrenceReport, now: datetime, zone: str) -> Iterator[tuple[str, str]]:
    """Why it does not start, or did not start at once."""
    later = report.occurrence.start_after
    if later is not None:
        yield "Not before", f"{moment(later, zone)}{f' (in {span(later - now)})' if later > now else ''}"
    if report.waits_for:
        yield (
            "Waits for" if report.state is State.SCHEDULED else "Waited for",
            "\n".join(map(_awaited, report.waits_for)),
        )


def _awaited(one: Awaited) -> str:
    name = f"{one.job} {short(one.occurrence_id)}" if one.occurrence_id and one.state else one.job
    return f"{name}, which {one.shown()}; if it does not succeed: {one.on_failure}"


group.command("templates")(describe_template)
group.command("findings")(describe_finding)


def _when(at: datetime | None, now: datetime, zone: str) -> str:
    return f"{moment(at, zone)} ({age(at, now)} ago)" if at else "-"


def _task_lines(task: Task, attempts: Sequence[Attempt], now: datetime, zone: str) -> Iterator[str]:
    window = (
        f"{moment(task.window_start, zone)} to {moment(task.window_end, zone)}"
        if task.window_start and task.window_end
        else ""
    )
    yield f"Task {short(task.id)}  {interval_of(task)}  {','.join(task.symbols)}"
    pairs = [
        ("State", task.state.value),
        ("Lane", f"{lane_of(task.about, now)}, priority {task.priority.name.lower()}"),
    ]
    if window:
        pairs.append(("Window", window))
    if task.state is State.SCHEDULED:
        pairs.append(("Not before", f"{moment(task.run_at, zone)} (in {span(task.run_at - now)})"))
    if task.error:
        pairs.append(("Error", task.error))
    yield from fields(pairs, "  ", tables.width())
    if attempts:
        yield from (f"    {line}" for line in table(ATTEMPTS, attempts, now, is_wide=False))
    for attempt in attempts:
        if attempt.error:
            first, *rest = attempt.error.splitlines()
            yield from wrapped(f"    attempt {attempt.number}: {first}", tables.width(), hang=2)
            yield from rest
