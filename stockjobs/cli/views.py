"""What jobs, occurrences, tasks, lanes, workers and holdings look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic.alias_generators import to_camel

from stockjobs.cli.output import Column, View
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.money import money
from stockjobs.domain.work.jobs import JobType
from stockjobs.domain.work.lanes import lane_of
from stockjobs.domain.work.states import ENDED, State
from stockjobs.services.documents.manifests import manifest_of
from stockjobs.services.work.reports import JobReport, OccurrenceReport
from stockjobs.store.ledger.lanes import LaneCount
from stockjobs.store.ledger.pauses import Pause
from stockjobs.store.ledger.tasks import Attempt, Task
from stockjobs.store.ledger.workers import Worker
from stockjobs.store.market.holdings import Holding


def short(identity: object) -> str:
    """The first digits of an id, which every command takes in place of all of them."""
    return str(identity)[:8]


def listed(words: tuple[str, ...], at_most: int = 3) -> str:
    """The first words of a list, and how many there are in all if that is more."""
    head = ",".join(words[:at_most])
    return head if len(words) <= at_most else f"{head},… ({len(words)})"


def camel(value: Any) -> dict[str, Any]:
    """A dataclass as a document in the words of the manifests."""
    return {to_camel(name): part for name, part in asdict(value).items()}


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _job_document(report: JobReport) -> dict[str, Any]:
    job, last = report.job, report.last
    status = {
        "version": job.version,
        "paused": job.paused,
        "nextDueAt": job.next_due_at,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
        "freshness": _freshness(report),
        "last": {"id": last.id, "state": last.state, "createdAt": last.created_at} if last else None,
    }
    return {**manifest_of(job.name, job.spec, job.labels).document(), "status": status}


def _next_run(report: JobReport) -> datetime | None:
    # A paused job keeps its due time, so that what it misses is known; it does not run then.
    return None if report.job.paused else report.job.next_due_at


def _freshness(report: JobReport) -> str | None:
    found = report.freshness
    return None if found is None else "stale" if found.is_stale else "fresh"


def _intervals(report: JobReport) -> str | None:
    spec = report.job.spec
    return None if spec.type is JobType.FUNDAMENTALS else ",".join(spec.intervals)


JOBS: View[JobReport] = View(
    name=lambda report: f"job/{report.job.name}",
    columns=(
        Column("name", lambda report: report.job.name),
        Column("type", lambda report: report.job.spec.type, spare=3),
        Column("mode", lambda report: report.job.spec.mode, spare=4),
        Column("schedule", lambda report: report.job.spec.schedule.shown()),
        Column("status", lambda report: report.job.status),
        Column("last", lambda report: report.last.state if report.last else None, spare=1),
        Column("last run", lambda report: report.last.created_at if report.last else None, spare=2),
        Column("next run", _next_run, is_wait=True),
        Column("symbols", lambda report: listed(report.job.spec.symbols), is_wide=True),
        Column("intervals", _intervals, is_wide=True),
        Column("priority", lambda report: report.job.spec.priority.name.lower(), is_wide=True),
        Column("freshness", _freshness, is_wide=True),
        Column("version", lambda report: report.job.version, is_wide=True, is_right=True),
        Column("labels", lambda report: _labels(report.job.labels), is_wide=True),
        Column("age", lambda report: report.job.created_at, is_wide=True),
    ),
    document=_job_document,
)


def progress(report: OccurrenceReport) -> str:
    """How many tasks of an occurrence have ended, of how many."""
    total = sum(report.tasks.values())
    ended = sum(count for state, count in report.tasks.items() if state in ENDED)
    return f"{ended}/{total}"


def _duration(report: OccurrenceReport) -> str | None:
    one = report.occurrence
    if one.started_at is None or one.finished_at is None:
        return None
    return f"{(one.finished_at - one.started_at).total_seconds():.2f}"


def _failed(report: OccurrenceReport) -> int:
    return report.tasks.get(State.FAILED, 0) + report.tasks.get(State.TIMEOUT, 0)


def occurrence_document(report: OccurrenceReport) -> dict[str, Any]:
    """An occurrence with how far it is; with its tasks and their attempts, where they were read."""
    found = {
        **camel(report.occurrence),
        "tasks": {state.value: count for state, count in report.tasks.items()},
        "rowsWritten": report.rows_written,
        "rowsAside": report.rows_aside,
    }
    if report.waits_for:
        found["waitsFor"] = [{**camel(one), "standing": one.standing().value} for one in report.waits_for]
    if report.spec is not None:
        found |= {"labels": report.labels, "tags": report.spec.tags, "description": report.spec.description}
    if report.details:
        found["details"] = [
            {**task_document(task), "attempts": [camel(attempt) for attempt in attempts]}
            for task, attempts in report.details
        ]
    return found


OCCURRENCES: View[OccurrenceReport] = View(
    name=lambda report: f"occurrence/{report.occurrence.id}",
    columns=(
        Column("id", lambda report: short(report.occurrence.id)),
        Column("job", lambda report: report.occurrence.job),
        Column("state", lambda report: report.occurrence.state),
        Column("tasks", progress, is_right=True),
        Column("failed", _failed, is_right=True, spare=2),
        Column("rows", lambda report: report.rows_written, is_right=True, spare=1),
        Column("set aside", lambda report: report.rows_aside, is_right=True, spare=3),
        Column("seconds", _duration, is_right=True, spare=4),
        Column("age", lambda report: report.occurrence.created_at),
        Column("submitter", lambda report: report.occurrence.submitter, is_wide=True),
        Column("scheduled for", lambda report: report.occurrence.scheduled_for, is_wide=True),
        Column("version", lambda report: report.occurrence.version, is_wide=True, is_right=True),
        Column("not before", lambda report: report.occurrence.start_after, is_wide=True),
        Column("symbols", lambda report: report.occurrence.symbols, is_wide=True, is_right=True),
        Column("reason", lambda report: report.occurrence.reason, is_wide=True),
        Column("full id", lambda report: str(report.occurrence.id), is_wide=True),
    ),
    document=occurrence_document,
)


def interval_of(task: Task) -> str:
    """The interval of a task's bars, or that it is about fundamentals."""
    return Interval.from_seconds(task.interval_s).value if task.interval_s else "fundamentals"


def task_document(task: Task) -> dict[str, Any]:
    """A task, its interval in words."""
    found = {**camel(task), "interval": interval_of(task), "priority": task.priority.name.lower()}
    del found["intervalS"]
    return found


TASKS: View[Task] = View(
    name=lambda task: f"task/{task.id}",
    columns=(
        Column("id", lambda task: short(task.id)),
        Column("occurrence", lambda task: short(task.occurrence_id), spare=4),
        Column("job", lambda task: task.job),
        Column("interval", interval_of),
        Column("symbols", lambda task: listed(task.symbols)),
        Column("state", lambda task: task.state),
        Column("lane", lambda task: lane_of(task.about, datetime.now(UTC)), spare=3),
        Column("attempt", lambda task: task.number, is_right=True, spare=2),
        Column("age", lambda task: task.created_at, spare=1),
        Column("priority", lambda task: task.priority.name.lower(), is_wide=True),
        Column("about", lambda task: task.about, is_wide=True),
        Column("failures", lambda task: task.failures, is_wide=True, is_right=True),
        Column("worker", lambda task: task.worker, is_wide=True),
        Column("full id", lambda task: str(task.id), is_wide=True),
        Column("error", lambda task: task.error.partition("\n")[0] if task.error else None, is_wide=True),
    ),
    document=task_document,
)


@dataclass(frozen=True)
class LaneReport:
    """A lane in the ledger and in Redis, and what keeps it paused; `depth` is None where Redis did not answer."""

    count: LaneCount
    depth: int | None
    pause: Pause | None = None


def _lane_document(report: LaneReport) -> dict[str, Any]:
    return {**camel(report.count), "depth": report.depth, "paused": camel(report.pause) if report.pause else None}


def _paused_by(report: LaneReport) -> str | None:
    pause = report.pause
    if pause is None:
        return None
    return f"{pause.by}: {pause.reason}" if pause.reason else pause.by


LANES: View[LaneReport] = View(
    name=lambda report: f"lane/{report.count.lane}",
    columns=(
        Column("lane", lambda report: report.count.lane),
        Column("pending", lambda report: report.count.pending, is_right=True),
        Column("offered", lambda report: report.count.offered, is_right=True),
        Column("running", lambda report: report.count.running, is_right=True),
        Column("in redis", lambda report: report.depth, is_right=True, spare=2),
        Column("held", lambda report: report.count.held, is_right=True),
        Column("paused", lambda report: report.pause.at if report.pause else None, spare=1),
        Column("by", _paused_by),
    ),
    document=_lane_document,
)


def _percent(processors: float | None) -> str | None:
    return None if processors is None else f"{processors:.0%}"


def _mebibytes(size: int | None) -> str | None:
    return f"{size / 2**20:.0f} MiB" if size else None


WORKERS: View[Worker] = View(
    name=lambda worker: f"worker/{worker.name}",
    columns=(
        Column("name", lambda worker: worker.name),
        Column("lanes", lambda worker: ",".join(worker.lanes)),
        Column("pool", lambda worker: worker.pool, spare=3),
        Column("slots", lambda worker: worker.concurrency, is_right=True),
        Column("running", lambda worker: worker.running, is_right=True),
        Column("memory", lambda worker: _mebibytes(worker.memory), is_right=True, spare=2),
        Column("cpu", lambda worker: _percent(worker.cpu), is_right=True, spare=4),
        Column("seen", lambda worker: worker.seen_at),
        Column("age", lambda worker: worker.started_at, spare=1),
        Column("version", lambda worker: worker.version, is_wide=True),
        Column("pid", lambda worker: str(worker.pid), is_wide=True, is_right=True),
    ),
    document=camel,
    none="No worker has shown itself within the last minute.",
)

ATTEMPTS: View[Attempt] = View(
    name=lambda attempt: f"attempt/{attempt.id}",
    columns=(
        Column("attempt", lambda attempt: attempt.number, is_right=True),
        Column("state", lambda attempt: attempt.state),
        Column("worker", lambda attempt: attempt.worker, spare=1),
        Column("asked", lambda attempt: attempt.requests, is_right=True),
        Column("rows", lambda attempt: attempt.rows_written, is_right=True),
        Column("set aside", lambda attempt: attempt.rows_rejected, is_right=True, spare=2),
        Column("age", lambda attempt: attempt.started_at),
    ),
    document=camel,
)


def price(value: float) -> str:
    """A price for people: cents, or more digits where it is small."""
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


HOLDINGS: View[Holding] = View(
    name=lambda holding: f"{holding.symbol}/{holding.interval}",
    columns=(
        Column("symbol", lambda holding: holding.symbol),
        Column("interval", lambda holding: holding.interval),
        Column("bars", lambda holding: holding.bars, is_right=True),
        Column("first", lambda holding: f"{holding.first:%Y-%m-%d}", spare=2),
        Column("last", lambda holding: f"{holding.last:%Y-%m-%d %H:%M}Z"),
        Column("last close", lambda holding: price(holding.last_close), is_right=True, spare=1),
        Column("currency", lambda holding: money(holding.currency, holding.unit), spare=3),
        Column("provider", lambda holding: holding.provider, spare=4),
    ),
    document=camel,
    none="Nothing is stored yet.",
)
