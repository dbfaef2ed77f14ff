"""`stockctl trigger`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.arguments import Key, Timeout, Wait
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.output import as_json
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.values import duration
from stockjobs.cli.views import OCCURRENCES, occurrence_document
from stockjobs.cli.waiting import exit_code, tell_errors, wait_for
from stockjobs.domain.periods import parse_instant
from stockjobs.services.reports import OccurrenceReport
from stockjobs.services.requests import Request
from stockjobs.store.occurrences import Occurrence


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
    start_after: Annotated[
        str | None, typer.Option("--start-after", metavar="INSTANT", help="Not before then: 2026-01-31T15:30:00Z.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    output: SaidAs = Said.TEXT,
) -> None:
    """Ask for an occurrence of a job now.

    It is written to stdout as soon as it is stored; with --wait, when it has ended.
    """
    check_timeout(timeout)
    after = parse_instant(start_after, "--start-after") if start_after else None
    container = container_of(ctx)
    occurrence = container.requests.trigger(Request(job, submitter(), key, start_after=after))
    conclude(container, occurrence, output, wait=wait, timeout=timeout)


def check_timeout(timeout: str | None) -> None:
    """Raise InvalidInput for a timeout that cannot be read, before anything is asked for."""
    if timeout:
        duration(timeout, "--timeout")


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
    tasks = sum(report.tasks.values())
    wrote = f", {report.rows_written:,} rows written" if report.has_ended else ""
    return f"{name} {report.occurrence.state} ({tasks} task{'' if tasks == 1 else 's'}{wrote})"
