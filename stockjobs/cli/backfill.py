"""`stockctl backfill`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.ages import span
from stockjobs.cli.arguments import Key
from stockjobs.cli.ending import Ending, conclude, ending_of
from stockjobs.cli.later import Later, later
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.cli.values import checked, words
from stockjobs.domain.asking.pricing import Basis
from stockjobs.domain.counting import counted
from stockjobs.domain.work.jobs import JobSpec, WindowSpec
from stockjobs.errors import InvalidInput, NotFound
from stockjobs.services.market.survey import Survey
from stockjobs.services.work.requests import Estimate, Request, Timing
from stockjobs.store.ledger.occurrences import Occurrence


@dataclass(frozen=True)
class Asked:
    """A job and the window asked of it, or a definition of its own; what is missing of it, once that is known."""

    job: str = ""
    window: WindowSpec | None = None
    spec: JobSpec | None = None
    survey: Survey | None = None


def asked_of(
    *,
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help="A job, whose symbols and intervals are used.")
    ] = None,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbols", "-s", metavar="A,B,…", help="Symbols, in place of a job.")
    ] = None,
    interval: Annotated[
        list[str] | None,
        typer.Option(
            "--interval", "-i", metavar="1d,…", help="Intervals for --symbols; else the setting `intervals`, or 1d."
        ),
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="The first moment, included.")] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DAY|INSTANT", help="The last moment, excluded; today if not given.")
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="So far back from the end: 5d, 6mo, 10y, P10Y.")
    ] = None,
    provider: Annotated[
        str, typer.Option(metavar="PROVIDER", help="Where the data comes from, for --symbols.")
    ] = "yahoo",
    refetch: Annotated[bool, typer.Option("--refetch", help="Ask for all of it, also for what is stored.")] = False,
) -> Asked:
    """What is asked for. Raises InvalidInput."""
    names, intervals = words(symbols), words(interval)
    given = {"start": start, "end": end, "period": period, "refetch": refetch or None}
    window = {name: value for name, value in given.items() if value is not None}
    if symbols and not names:
        raise InvalidInput.because("--symbols", "none is named by what was given", "such as --symbols AAPL,MSFT")
    if (job is None) == (not names):
        said = "both were given" if names else "neither was given"
        hint = "give one of them" if names else "such as `stockctl backfill --symbols AAPL`"
        raise InvalidInput.because("backfill", f"takes a job or --symbols, and {said}", hint)
    if job is None:
        what = {"type": "marketdata", "mode": "backfill", "provider": provider}
        return Asked(spec=checked(JobSpec, {**what, "symbols": names, "intervals": intervals, "window": window}))
    if intervals:
        raise InvalidInput.because("--interval", "goes with --symbols", "a job has intervals of its own")
    return Asked(job, checked(WindowSpec, window) if window else None)


@taking(asked=asked_of, when=later, ending=ending_of)
def backfill(
    ctx: typer.Context,
    asked: Asked,
    key: Key = None,
    *,
    when: Later,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it takes: tasks, requests, minutes; and do nothing.")
    ] = False,
    ending: Ending,
) -> None:
    """Collect what is missing of the past, for a job or symbols.

    Days are UTC days. Without a window a job's own is taken; else the setting `period`, or ten years. What is stored is not
    asked for again, nor what the provider is known not to have; the price is written to stderr before it starts.
    """
    container = container_of(ctx)
    spec = container.requests.filled_in(asked.spec) if asked.spec else _spec_of(container, asked.job)
    timing = when.timing(container)
    cost = container.requests.estimate(spec, asked.window, timing)
    _tell_lost(cost, spec.provider)
    if dry_run:
        typer.echo(f"{price(cost, spec.provider)} (dry run)")
        return
    if cost.tasks:
        typer.echo(f"stockctl: {price(cost, spec.provider)}", err=True)
    occurrence = _submitted(container, replace(asked, survey=cost.survey), key, timing)
    conclude(container, occurrence, ending)


def _spec_of(container: Container, job: str) -> JobSpec:
    try:
        return container.reports.job(job).job.spec
    except NotFound as error:
        # Other verbs take symbols as arguments, and this one a job.
        raise NotFound(f"{error}; of symbols: `stockctl backfill --symbols {job}`") from None


def _submitted(container: Container, asked: Asked, key: str | None, timing: Timing) -> Occurrence:
    if asked.spec is not None:
        return container.requests.submit(asked.spec, submitter=submitter(), key=key, timing=timing, survey=asked.survey)
    return container.requests.trigger(Request(asked.job, submitter(), key, asked.window, timing, asked.survey))


_BASES = {
    Basis.TOLD: "as the workers' budget for historical work allows",
    Basis.BUDGET: "as the budget for historical work allows by the settings here, as no worker told of its own",
    Basis.MEASURED: "at the workers' recent pace",
}


def price(cost: Estimate, provider: str) -> str:
    """What a backfill takes, in a line."""
    if not cost.tasks:
        return "nothing is missing" if not cost.out_of_reach else "nothing is missing of what can still be had"
    said = f"{counted(cost.tasks, 'task')}, {counted(cost.requests, 'request')} to {provider}"
    if cost.duration is None:
        return f"{said}; how long that takes is not known yet"
    return f"{said}, {_about(cost.duration.length)}, {_BASES[cost.duration.basis]}"


def _about(length: timedelta) -> str:
    return f"about {span(length)}" if length >= timedelta(seconds=1) else "less than a second"


def _tell_lost(cost: Estimate, provider: str) -> None:
    for interval, first in cost.out_of_reach.items():
        typer.echo(
            f"stockctl: {provider} keeps {interval} bars only since {first:%Y-%m-%d}; older ones are left out", err=True
        )
