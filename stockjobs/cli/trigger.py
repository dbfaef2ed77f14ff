"""`stockctl trigger`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.arguments import Key, Timeout, Wait
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.later import After, At, OnFailureOfThose, StartAfter, later
from stockjobs.cli.output import as_json
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.values import timeout as timeout_of
from stockjobs.cli.views import OCCURRENCES, occurrence_document
from stockjobs.cli.waiting import exit_code, tell_errors, wait_for
from stockjobs.domain.counting import counted
from stockjobs.domain.work.jobs import OnFailure
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.services.work.requests import Request
from stockjobs.store.ledger.occurrences import Occurrence


class Said(StrEnum):
    """How an occurrence that was asked for is written."""

    TEXT = "text"
    NAME = "name"
    JSON = "json"


SaidAs = Annotated[Said, typer.Option("--output", "-o", help="How to write the occurrence.")]


def trigger(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")],
    key: Key = None,
    at: At = None,
    start_after: StartAfter = None,
    after: After = None,
    on_failure: OnFailureOfThose = OnFailure.SKIP,
    wait: Wait = False,
    timeout: Timeout = None,
    output: SaidAs = Said.TEXT,
) -> None:
    """Ask for an occurrence of a job, now or for later.

    It is written to stdout as soon as it is stored; with --wait, when it has ended.
    """
    check_timeout(timeout)
    asked = later(at, start_after, after, on_failure)
    container = container_of(ctx)
    occurrence = container.requests.trigger(Request(job, submitter(), key, timing=asked.timing(container)))
    conclude(container, occurrence, output, wait=wait, timeout=timeout)


def check_timeout(text: str | None) -> None:
    """Raise InvalidInput for a timeout that cannot be read, before anything is asked for."""
    if text:
        timeout_of(text)


def conclude(container: Container, occurrence: Occurrence, output: Said, *, wait: bool, timeout: str | None) -> None:
    """Write an occurrence that was asked for; waiting, write how it ended, and exit accordingly."""
    if wait or timeout:
        report = wait_for(container.reports, occurrence.id, timeout)
        tell_errors(report)
    else:
        report = container.reports.occurrence(str(occurrence.id))
    typer.echo(_said(report, output))
    if (wait or timeout) and exit_code(report) is not ExitCode.OK:
        raise typer.Exit(exit_code(report))


def _said(report: OccurrenceReport, output: Said) -> str:
    if output is Said.JSON:
        return as_json(occurrence_document(report))
    name = OCCURRENCES.name(report)
    if output is Said.NAME:
        return name
    if report.occurrence.reason and not report.tasks:
        return f"{name} {report.occurrence.state}: {report.occurrence.reason}"
    tasks = counted(sum(report.tasks.values()), "task")
    wrote = f", {counted(report.rows_written, 'row')} written" if report.has_ended else ""
    return f"{name} {report.occurrence.state} ({tasks}{wrote})"
