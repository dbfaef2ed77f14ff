"""`stockctl cancel` and `stockctl retry`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import typer
from rich.console import Console

from stockjobs.cli.exits import ExitCode
from stockjobs.cli.filters import filter_of
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.taking import taking
from stockjobs.domain.counting import counted
from stockjobs.domain.work.filters import Filter
from stockjobs.errors import InvalidInput
from stockjobs.services.work.steering import Refused, Retried, Steering

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="OCCURRENCE|task/ID", help="Their ids; the first 4 or more digits suffice."),
]
All = Annotated[bool, typer.Option("--all", help="All of them, if nothing else says which.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many it would be, and do nothing.")]


@taking(wanted=filter_of)
def cancel(
    ctx: typer.Context,
    names: Names = None,
    *,
    wanted: Filter,
    everything: All = False,
    dry_run: DryRun = False,
) -> None:
    """Cancel occurrences or tasks, whether they wait or run.

    They are named by their ids, or the options describe them. What waits is cancelled at once, what runs within seconds, and it
    stays cancelled.
    """
    steering = container_of(ctx).steering
    if _is_by_name(names, wanted, everything=everything, dry_run=dry_run):
        _one_by_one(names or (), lambda name: _cancelled(steering, name))
        return
    if dry_run:
        typer.echo(f"{counted(steering.cancellable(wanted), 'occurrence')} would be cancelled")
        return
    cancelled = _told(steering.cancel_matching(wanted, by=submitter()), "cancelled")
    typer.echo(f"{counted(cancelled, 'occurrence')} cancelled")


@taking(wanted=filter_of)
def retry(
    ctx: typer.Context,
    names: Names = None,
    *,
    wanted: Filter,
    everything: All = False,
    dry_run: DryRun = False,
) -> None:
    """Give what failed or timed out another chance.

    Occurrences or tasks are named by their ids, or the options describe occurrences: then the newest come first. Only the
    symbols that failed are asked for again, with all retries anew. Attempts are kept, and their numbers go on.
    """
    steering = container_of(ctx).steering
    if _is_by_name(names, wanted, everything=everything, dry_run=dry_run):
        _one_by_one(names or (), lambda name: _retried(steering, name))
        return
    if dry_run:
        typer.echo(f"{counted(steering.retriable(wanted), 'occurrence')} with failed tasks would be tried again")
        return
    _tell_retried(list(steering.retry_matching(wanted, by=submitter())))


def _is_by_name(names: list[str] | None, wanted: Filter, *, everything: bool, dry_run: bool) -> bool:
    """True if ids were given. Raises InvalidInput where it is not said in one way which are meant."""
    if names and (not wanted.is_empty or everything or dry_run):
        raise InvalidInput.because("", "ids and options that describe others exclude each other", "give the ids alone")
    if not names and wanted.is_empty and not everything:
        raise InvalidInput.because("", "nothing says which are meant", "give ids, options such as --job, or --all")
    return bool(names)


def _one_by_one(names: Sequence[str], deed: Callable[[str], str]) -> None:
    for name in names:
        typer.echo(deed(name))


def _cancelled(steering: Steering, name: str) -> str:
    kind, _, digits = name.rpartition("/")
    if kind == "task":
        task = steering.cancel_task(digits, by=submitter())
        return f"task/{task.id} {task.state}"
    occurrence = steering.cancel(name.removeprefix("occurrence/"), by=submitter())
    return f"occurrence/{occurrence.id} {occurrence.state}"


def _retried(steering: Steering, name: str) -> str:
    kind, _, digits = name.rpartition("/")
    if kind == "task":
        return _line(steering.retry_task(digits, by=submitter()))
    return _line(steering.retry(name.removeprefix("occurrence/"), by=submitter()))


def _line(done: Retried) -> str:
    what = f"{counted(done.tasks, 'task')}, {counted(done.symbols, 'symbol')}"
    return f"occurrence/{done.occurrence.id} {done.occurrence.state} ({what})"


def _told(batches: Iterable[int], verb: str) -> int:
    """The sum of batches, shown as it grows on a terminal's stderr."""
    console, total = Console(stderr=True), 0
    with console.status("") as status:
        for batch in batches:
            total += batch
            status.update(f"{counted(total, 'occurrence')} {verb}")
    return total


def _tell_retried(done: Sequence[Retried | Refused]) -> None:
    refused = [one for one in done if isinstance(one, Refused)]
    for one in done:
        if isinstance(one, Retried):
            typer.echo(_line(one))
    for one in refused[:5]:
        typer.echo(f"stockctl: {one.reason}", err=True)
    if len(refused) > 5:
        typer.echo(f"stockctl: and {len(refused) - 5:,} more were refused", err=True)
    if not done:
        typer.echo("Nothing found.", err=True)
    if refused:
        raise typer.Exit(ExitCode.CONFLICT if len(refused) == len(done) else ExitCode.PARTIAL)
