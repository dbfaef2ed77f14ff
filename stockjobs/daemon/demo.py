"""The demonstration: the four ready jobs on the whole system, against the local Yahoo server, and what came of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from stockjobs import settings as settings_module
from stockjobs.bootstrap import Container
from stockjobs.daemon.folder_lock import locked
from stockjobs.daemon.system import LOCK, System, SystemConfig
from stockjobs.domain.counting import counted
from stockjobs.domain.market.money import money
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import ENDED, State
from stockjobs.errors import Conflict, InvalidInput
from stockjobs.services.documents import manifests
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.services.work.requests import Request

_PATIENCE = 300.0
_PAUSE = 0.2


def run(state_dir: Path, console: Console) -> int:
    """Run the demonstration in a fresh state folder. Returns 0 only if everything that was due has landed."""
    _empty(state_dir)
    started = time.monotonic()
    # What the user has configured is for the real system: the demonstration must not touch it.
    given = settings_module.load({}, file=Path(os.devnull))
    with System(SystemConfig(state_dir, simulator=True), given, console.print) as system:
        console.print(
            f"[bold]stockjobs[/] with embedded Redis and SQLite in {state_dir}, against the local Yahoo server."
        )
        container = Container(system.settings)
        jobs = manifests.read(manifests.ready_jobs(), "ready_jobs.yaml")
        for applied in container.administration.apply(jobs, by="demo"):
            console.print(f"job/{applied.after.name} {applied.change.value}")
        for job in jobs:
            # A job that came due this very moment runs already.
            with suppress(Conflict):
                container.requests.trigger(Request(job.metadata.name, "demo"))
        reports = _watch(container, system, console)
        _show(container, reports, console)
        container.close()
    is_good = all(report.occurrence.state is State.COMPLETED for report in reports)
    _tell_result(reports, time.monotonic() - started, console)
    _tell_next(state_dir, console)
    return 0 if is_good else 1


def _empty(state_dir: Path) -> None:
    """Remove what an earlier demonstration left. Raises InvalidInput for a folder that is not one's, Conflict for one in use."""
    if not state_dir.exists() or not any(state_dir.iterdir()):
        return
    lock = state_dir / LOCK
    if not lock.exists():
        raise InvalidInput.because(
            "--state-dir", f"{state_dir} holds files that are not stockjobs'", "choose another folder"
        )
    os.close(locked(lock, patience=1.0))
    shutil.rmtree(state_dir)


def _watch(container: Container, system: System, console: Console) -> list[OccurrenceReport]:
    """Show how far everything is until it has ended: what was triggered, and what came due meanwhile."""
    deadline = time.monotonic() + _PATIENCE
    columns = (
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tasks"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[UUID, TaskID] = {}
        while True:
            system.look_after()
            reports = [
                report for report in container.reports.occurrences() if report.occurrence.state is not State.SKIPPED
            ]
            for report in reversed(reports):
                one = report.occurrence
                if one.id not in bars:
                    bars[one.id] = progress.add_task(one.job)
                ended = sum(count for state, count in report.tasks.items() if state in ENDED)
                was_ended = progress.tasks[bars[one.id]].finished
                progress.update(bars[one.id], total=sum(report.tasks.values()), completed=ended)
                if report.has_ended and not was_ended and not console.is_terminal:
                    console.print(f"{one.job} {one.state}: {counted(report.rows_written, 'row')}")
            if all(report.has_ended for report in reports) or time.monotonic() > deadline:
                return [container.reports.occurrence(str(report.occurrence.id), with_tasks=1_000) for report in reports]
            time.sleep(_PAUSE)


def _show(container: Container, reports: Sequence[OccurrenceReport], console: Console) -> None:
    stored = Table(
        "symbol", "interval", "bars", "first", "last", "last close", title="Read back from SQL", title_justify="left"
    )
    for held in container.reports.holdings():
        close = f"{held.last_close:,.2f} {money(held.currency, held.unit)}"
        stored.add_row(
            held.symbol, held.interval, f"{held.bars:,}", f"{held.first:%Y-%m-%d}", f"{held.last:%Y-%m-%d}", close
        )
    console.print(stored)
    lanes = Table("lane", "attempts", "landed", "rows written", title="What each lane did", title_justify="left")
    attempts = [attempt for report in reports for _, tried in report.details for attempt in tried]
    for lane in Lane:
        mine = [attempt for attempt in attempts if attempt.lane is lane]
        landed = sum(attempt.state is State.COMPLETED for attempt in mine)
        lanes.add_row(
            lane.value, str(len(mine)), str(landed), f"{sum(attempt.rows_written or 0 for attempt in mine):,}"
        )
    console.print(lanes)


def _tell_result(reports: Sequence[OccurrenceReport], seconds: float, console: Console) -> None:
    for report in reports:
        if report.occurrence.state is not State.COMPLETED:
            console.print(f"[red]{report.occurrence.job} is {report.occurrence.state}[/]")
            for task, _ in report.details:
                if task.error:
                    console.print(f"  {task.key}: {task.error}")
    done = sum(report.occurrence.state is State.COMPLETED for report in reports)
    rows = sum(report.rows_written for report in reports)
    console.print(f"{done} of {counted(len(reports), 'job')} landed {counted(rows, 'row')} in {seconds:.0f} s.")


def _tell_next(state_dir: Path, console: Console) -> None:
    database = f"--database-url sqlite:///{state_dir / 'stockjobs.db'}"
    console.print("\nTry next:")
    for command in (
        f".venv/bin/stockctl {database} data AAPL",
        f".venv/bin/stockctl {database} get occurrences",
        "make up ARGS=--simulator",
    ):
        console.print(f"  {command}", highlight=False, soft_wrap=True)
