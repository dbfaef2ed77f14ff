"""How a verb that asks for work ends: what it writes of the occurrence, and whether it waits for it first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.output import as_json
from stockjobs.cli.values import timeout as timeout_of
from stockjobs.cli.views import OCCURRENCES, occurrence_document
from stockjobs.cli.waiting import exit_code, tell_errors, tell_unserved, wait_for
from stockjobs.domain.counting import counted
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.store.ledger.occurrences import Occurrence


class Said(StrEnum):
    """How an occurrence that was asked for is written."""

    TEXT = "text"
    NAME = "name"
    JSON = "json"


Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended: exit code 7 if it failed, 8 if in part.")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="Wait at most so long: 90s (or 90), 10m, 1h30m, PT10M.")
]
SaidAs = Annotated[Said, typer.Option("--output", "-o", help="How to write the occurrence.")]


@dataclass(frozen=True)
class Ending:
    """How the occurrence is written, whether it is waited for, and at most for how long."""

    said: Said
    waits: bool
    longest: timedelta | None


def ending_of(*, wait: Wait = False, timeout: Timeout = None, output: SaidAs = Said.TEXT) -> Ending:
    """The ending of a verb that waits if it is told to. Raises InvalidInput."""
    return Ending(output, wait or bool(timeout), timeout_of(timeout) if timeout else None)


def waited_for(*, timeout: Timeout = None, output: SaidAs = Said.TEXT) -> Ending:
    """The ending of a verb that always waits. Raises InvalidInput."""
    return ending_of(wait=True, timeout=timeout, output=output)


def conclude(container: Container, occurrence: Occurrence, ending: Ending) -> None:
    """Write an occurrence that was asked for; waiting, write how it ended, and exit accordingly."""
    if ending.waits:
        report = wait_for(container.reports, occurrence.id, ending.longest)
        tell_errors(report)
    else:
        report = container.reports.occurrence(str(occurrence.id))
        tell_unserved(container.reports.unserved(occurrence.id, at_once=True))
    typer.echo(_said(report, ending.said))
    if ending.waits and exit_code(report) is not ExitCode.OK:
        raise typer.Exit(exit_code(report))


def _said(report: OccurrenceReport, said: Said) -> str:
    if said is Said.JSON:
        return as_json(occurrence_document(report))
    name = OCCURRENCES.name(report)
    if said is Said.NAME:
        return name
    if report.occurrence.reason and not report.tasks:
        return f"{name} {report.occurrence.state}: {report.occurrence.reason}"
    tasks = counted(sum(report.tasks.values()), "task")
    wrote = f", {counted(report.rows_written, 'row')} written" if report.has_ended else ""
    aside = f", {report.rows_aside:,} set aside: `stockctl get findings`" if wrote and report.rows_aside else ""
    return f"{name} {report.occurrence.state} ({tasks}{wrote}{aside})"
