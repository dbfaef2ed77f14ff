"""The demonstration: the four ready jobs on the whole system, against the local Yahoo server, and what came of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from stockjobs import settings as settings_module
from stockjobs.bootstrap import Container
from stockjobs.daemon.system import System, SystemConfig
from stockjobs.domain.lanes import Lane
from stockjobs.domain.states import ENDED, State
from stockjobs.services import manifests
from stockjobs.services.administration import Request
from stockjobs.services.reports import OccurrenceReport

_PATIENCE = 300.0
_PAUSE = 0.2


def run(state_dir: Path, console: Console) -> int:
    """Run the demonstration in a fresh state folder. Returns 0 only if everything that was due has landed."""
    if state_dir.exists():
        shutil.rmtree(state_dir)
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
        occurrences = [container.administration.trigger(Request(job.metadata.name, "demo")) for job in jobs]
        reports = _watch(container, system, [str(occurrence.id) for occurrence in occurrences], console)
        _show(container, reports, console)
        container.close()
    is_good = all(report.occurrence.state is State.COMPLETED for report in reports)
    _tell_result(reports, time.monotonic() - started, console)
    _tell_next(state_dir, console)
    return 0 if is_good else 1


def _watch(container: Container, system: System, ids: Sequence[str], console: Console) -> list[OccurrenceReport]:
    deadline = time.monotonic() + _PATIENCE
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tasks"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars = {one: progress.add_task("", total=None) for one in ids}
        while True:
            system.look_after()
            reports = [container.reports.occurrence(one) for one in ids]
            for one, report in zip(ids, reports, strict=True):
                done = sum(count for state, count in report.tasks.items() if state in ENDED)
                progress.update(
                    bars[one], description=report.occurrence.job, total=sum(report.tasks.values()), completed=done
                )
            if all(report.has_ended for report in reports) or time.monotonic() > deadline:
                return [container.reports.occurrence(one, with_tasks=1_000) for one in ids]
            time.sleep(_PAUSE)


def _show(container: Container, reports: Sequence[OccurrenceReport], console: Console) -> None:
    stored = Table(
        "symbol", "interval", "bars", "first", "last", "last close", title="Read back from SQL", title_justify="left"
    )
    for held in container.reports.holdings():
        close = f"{held.last_close:,.2f} {held.currency}"
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
    console.print(f"{done} of {len(reports)} jobs have landed {rows:,} rows in {seconds:.0f} s.")


def _tell_next(state_dir: Path, console: Console) -> None:
    database = f"--database-url sqlite:///{state_dir / 'stockjobs.db'}"
    console.print("\nTry next:")
    for command in (
        f".venv/bin/stockctl {database} data AAPL",
        f".venv/bin/stockctl {database} get occurrences",
        "make up",
    ):
        console.print(f"  {command}", highlight=False, soft_wrap=True)
