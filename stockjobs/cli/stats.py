"""`stockctl stats`."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from stockjobs.cli.ages import moment, span
from stockjobs.cli.filters import filter_of
from stockjobs.cli.output import Column, View, as_json, table
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking
from stockjobs.domain.counting import counted
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.states import OPEN, State
from stockjobs.services.work.statistics import Load, StatisticsReport
from stockjobs.store.ledger.statistics import Statistics

_ALL = "(all)"


class StatisticsFormat(StrEnum):
    """How statistics are written: for people, or for programs."""

    TABLE = "table"
    JSON = "json"


@taking(wanted=filter_of)
def stats(
    ctx: typer.Context,
    *,
    wanted: Filter,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=10_000, metavar="N", help="So many jobs, the busiest first.")
    ] = 20,
    output: Annotated[StatisticsFormat, typer.Option("--output", "-o", help="How to write them.")] = (
        StatisticsFormat.TABLE
    ),
) -> None:
    """Count what succeeds, how long it takes, and what it brings. What is going on now is told too.

    The success rate is completed / (completed + failed + timeout). A duration is that from the first attempt to the end.
    """
    container = container_of(ctx)
    now = container.reports.now()
    report, load = container.statistics.of(wanted, jobs=limit), container.statistics.load()
    if output is StatisticsFormat.JSON:
        typer.echo(as_json(_document(report, load)))
        return
    for line in table(_VIEW, [*report.jobs, report.total], now, is_wide=False):
        typer.echo(line)
    typer.echo()
    typer.echo(_period(report.total, container.settings.time_zone))
    typer.echo(
        f"Now: {counted(load.workers, 'worker')} with {counted(load.slots, 'slot')}; "
        f"tasks: {load.running:,} running, {load.waiting:,} waiting"
    )


def _period(total: Statistics, zone: str) -> str:
    if total.first_at is None or total.last_at is None:
        return "No occurrences match."
    return f"Created from {moment(total.first_at, zone)} to {moment(total.last_at, zone)}"


def _document(report: StatisticsReport, load: Load) -> dict[str, Any]:
    lanes = {
        lane.value: {"pending": one.pending, "offered": one.offered, "running": one.running}
        for lane, one in load.lanes.items()
    }
    return {
        "total": _one(report.total),
        "jobs": [{"job": one.job, **_one(one)} for one in report.jobs],
        "now": {
            "workers": load.workers,
            "slots": load.slots,
            "running": load.running,
            "waiting": load.waiting,
            "lanes": lanes,
        },
    }


def _one(found: Statistics) -> dict[str, Any]:
    return {
        "count": found.count,
        "states": {state.value: count for state, count in found.counts.items()},
        "success": found.succeeded,
        "failure": found.failed,
        "successRate": found.success_rate,
        "meanMs": found.mean_ms,
        "longestMs": found.longest_ms,
        "symbols": found.symbols,
        "rowsWritten": found.rows_written,
        "firstAt": found.first_at,
        "lastAt": found.last_at,
    }


def _open(found: Statistics) -> int:
    return sum(found.counts.get(state, 0) for state in OPEN)


def _length(milliseconds: float | None) -> str | None:
    if milliseconds is None:
        return None
    return f"{milliseconds:,.0f}ms" if milliseconds < 10_000 else span(timedelta(milliseconds=milliseconds))


def _column(state: State) -> Column[Statistics]:
    return Column(state.value, lambda found: found.counts.get(state), is_right=True)


_VIEW: View[Statistics] = View(
    name=lambda found: f"job/{found.job}" if found.job else _ALL,
    columns=(
        Column("job", lambda found: found.job or _ALL),
        Column("count", lambda found: f"{found.count:,}", is_right=True),
        *map(_column, (State.COMPLETED, State.FAILED, State.TIMEOUT, State.CANCELLED, State.SKIPPED)),
        Column("open", lambda found: _open(found) or None, is_right=True),
        Column(
            "success",
            lambda found: None if found.success_rate is None else f"{found.success_rate:.1%}",
            is_right=True,
        ),
        Column("mean", lambda found: _length(found.mean_ms), is_right=True),
        Column("longest", lambda found: _length(found.longest_ms), is_right=True),
        Column("symbols", lambda found: f"{found.symbols:,}", is_right=True),
        Column("rows", lambda found: f"{found.rows_written:,}", is_right=True),
    ),
    document=_one,
)
