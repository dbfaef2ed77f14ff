"""Waiting for an occurrence, and what the exit code says of how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from stockjobs.cli.ages import span
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.views import short
from stockjobs.domain.work.pace import Progress
from stockjobs.domain.work.states import State
from stockjobs.services.work.reports import OccurrenceReport, Reports
from stockjobs.services.work.unserved import Unserved


def wait_for(reports: Reports, occurrence: UUID, longest: timedelta | None) -> OccurrenceReport:
    """Wait until an occurrence has ended, with a bar on a terminal's stderr. Exits with 124 when the time is up."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("symbols"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[ends]}"),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task(f"occurrence {str(occurrence)[:8]}", total=None, ends="")

        nobody = _Nobody(reports)

        def look(report: OccurrenceReport) -> None:
            nobody.tell(report)
            if report.progress is not None:
                work = report.progress.work
                bar.update(shown, completed=work.done, total=work.total, ends=ends_in(report.progress, reports.now()))

        try:
            return reports.wait(occurrence, longest, on_look=look)
        except TimeoutError:
            pass
    _give_up(occurrence, longest or timedelta())
    raise typer.Exit(ExitCode.TIMEOUT)


class _Nobody:
    """Says, once, that what is waited for is due for a while and no worker takes its lane."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._is_told = False

    def tell(self, report: OccurrenceReport) -> None:
        """Write it to stderr, if it is so."""
        if self._is_told or State.QUEUED not in report.tasks:
            return
        self._is_told = tell_unserved(self._reports.unserved(report.occurrence.id))


def tell_unserved(nobody: Unserved | None) -> bool:
    """Write to stderr that no worker takes some work, if it is so."""
    if nobody is not None:
        typer.echo(f"stockctl: {nobody}", err=True)
    return nobody is not None


def ends_in(progress: Progress, now: datetime) -> str:
    """How long it still takes, in words; nothing while that is not known."""
    return f"about {span(progress.ends_at - now)} left" if progress.ends_at is not None else ""


def _give_up(occurrence: UUID, length: timedelta) -> None:
    typer.echo(
        f"stockctl: occurrence {occurrence} has not ended after {span(length)}; it goes on: "
        f"`stockctl describe occurrence {str(occurrence)[:8]}` shows how far it is",
        err=True,
    )


def exit_code(report: OccurrenceReport) -> ExitCode:
    """What an ended occurrence means to who waited for it: all, some, or nothing of it was collected."""
    if report.state is State.COMPLETED:
        return ExitCode.OK
    # Not the rows: of a symbol whose bars were stored before, none had to be written.
    return ExitCode.PARTIAL if report.symbols else ExitCode.JOB_FAILED


def tell_errors(report: OccurrenceReport) -> None:
    """Write the errors of an occurrence's tasks to stderr, one line each; of one that has none, why it never started."""
    if report.occurrence.reason and not report.details and report.state is not State.COMPLETED:
        one = report.occurrence
        typer.echo(f"stockctl: occurrence {short(one.id)} {one.state}: {one.reason}", err=True)
    for task, _ in report.details:
        if task.error and task.state in (State.FAILED, State.TIMEOUT):
            reason = task.error.partition("\n")[0]
            typer.echo(f"stockctl: task {str(task.id)[:8]} {task.state}: {reason}", err=True)
