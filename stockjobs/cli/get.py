"""`stockctl get`: lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stockjobs.bootstrap import Container
from stockjobs.cli.arguments import Limit, Output, Watch
from stockjobs.cli.filters import filter_of
from stockjobs.cli.findings import findings
from stockjobs.cli.output import Format
from stockjobs.cli.rule_table import rules
from stockjobs.cli.session import container_of
from stockjobs.cli.taking import taking
from stockjobs.cli.templates import templates
from stockjobs.cli.values import check_selector, matches
from stockjobs.cli.views import JOBS, LANES, OCCURRENCES, TASKS, WORKERS, LaneReport
from stockjobs.cli.watching import show
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import NotFound, Unreachable
from stockjobs.services.work import adhoc
from stockjobs.services.work.reports import JobReport, Reports

_ALSO = {
    "job": "jobs",
    "occurrence": "occurrences",
    "task": "tasks",
    "template": "templates",
    "lane": "lanes",
    "worker": "workers",
    "occ": "occurrences",
    "finding": "findings",
    "rule": "rules",
}


class Nouns(TyperGroup):
    """The nouns after a verb, in the singular too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of a noun; `finding/1f3a`, as `-o name` writes it, is the noun and a name."""
        noun, slash, name = args[0].partition("/")
        if slash and self.get_command(ctx, noun) is not None:
            args = [noun, name, *args[1:]]
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a noun."""
        return super().get_command(ctx, _ALSO.get(cmd_name, cmd_name))


group = typer.Typer(
    cls=Nouns,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="List jobs, occurrences, tasks, templates, findings and more.",
)


@dataclass(frozen=True)
class Chosen:
    """The jobs that are meant: those of these names, with such labels, those made for what was asked for only once too."""

    names: tuple[str, ...]
    selector: str
    everything: bool

    @property
    def has_adhoc(self) -> bool:
        """True if those are shown that were made for what was asked for only once."""
        return self.everything or bool(self.names) or adhoc.LABEL in self.selector

    def of(self, reports: Reports) -> list[JobReport]:
        """Those that there are. Raises NotFound."""
        found = [reports.job(name) for name in self.names] if self.names else reports.jobs()
        return [one for one in found if not self.selector or matches(self.selector, one.job.labels)]


def chosen_of(
    *,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these jobs.")] = None,
    selector: Annotated[
        str,
        typer.Option("--selector", "-l", metavar="LABELS", help="Only those with labels: set=ready,tier!=test,!adhoc."),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Those too that were made of what `backfill` and programs asked for.")
    ] = False,
) -> Chosen:
    """The jobs that options describe. Raises InvalidInput."""
    if selector:
        check_selector(selector)
    return Chosen(tuple(names or ()), selector, everything)


@group.command()
@taking(chosen=chosen_of)
def jobs(ctx: typer.Context, chosen: Chosen, output: Output = Format.TABLE, watch: Watch = False) -> None:
    """List jobs: what they collect, and when they ran or are due."""
    reports = container_of(ctx).reports
    hidden: set[str] = set()

    def read() -> Sequence[JobReport]:
        found = chosen.of(reports)
        if not chosen.has_adhoc:
            hidden.update(one.job.name for one in found if adhoc.LABEL in one.job.labels)
        return [one for one in found if one.job.name not in hidden]

    show(JOBS, read, output, reports.now, follow=watch, as_list=len(chosen.names) != 1)
    if hidden:
        jobs_are = "job is" if len(hidden) == 1 else "jobs are"
        typer.echo(f"stockctl: {len(hidden):,} ad-hoc {jobs_are} not shown: --all shows all", err=True)


@group.command()
@taking(wanted=filter_of)
def occurrences(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Only these; the first 4 or more digits suffice.")
    ] = None,
    output: Output = Format.TABLE,
    watch: Watch = False,
    *,
    wanted: Filter,
    limit: Limit = 50,
) -> None:
    """List the newest occurrences, how far they are and what came."""
    reports = container_of(ctx).reports
    show(
        OCCURRENCES,
        lambda: [reports.occurrence(one) for one in ids] if ids else reports.occurrences(wanted, limit=limit),
        output,
        reports.now,
        follow=watch,
        as_list=len(ids or ()) != 1,
    )


@group.command()
@taking(wanted=filter_of)
def tasks(
    ctx: typer.Context,
    output: Output = Format.TABLE,
    watch: Watch = False,
    occurrence: Annotated[
        str | None, typer.Option("--occurrence", metavar="ID", help="Only those of this occurrence.")
    ] = None,
    *,
    wanted: Filter,
    limit: Limit = 100,
) -> None:
    """List the newest tasks: their symbols, their state and lane."""
    reports = container_of(ctx).reports
    show(
        TASKS,
        lambda: reports.tasks(wanted, occurrence=occurrence, limit=limit),
        output,
        reports.now,
        follow=watch,
    )


group.command()(templates)
group.command()(findings)
group.command()(rules)


@group.command()
def lanes(ctx: typer.Context, output: Output = Format.TABLE, watch: Watch = False) -> None:
    """List the two lanes: how much waits, is offered, and runs. It tells how many messages Redis holds, too."""
    container = container_of(ctx)
    show(LANES, lambda: _lanes(container), output, container.reports.now, follow=watch)


def _lanes(container: Container) -> Sequence[LaneReport]:
    counts, pauses = container.reports.lanes(), container.holding.pauses()
    try:
        depths: Mapping[Lane, int] = container.inspector.depths()
    except Unreachable as error:
        typer.echo(f"stockctl: without the depths in Redis: {error}", err=True)
        depths = {}
    return [
        LaneReport(count, depths.get(lane), next((pause for pause in pauses if lane in pause.scope.lanes), None))
        for lane, count in counts.items()
    ]


@group.command()
def workers(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these workers.")] = None,
    output: Output = Format.TABLE,
    watch: Watch = False,
) -> None:
    """List the workers that were seen within the last minute."""
    reports = container_of(ctx).reports
    found = {worker.name for worker in reports.workers()}
    for name in names or ():
        if name not in found:
            raise NotFound(f"there is no worker {name!r}: `stockctl get workers` lists them")
    show(
        WORKERS,
        lambda: [worker for worker in reports.workers() if not names or worker.name in names],
        output,
        reports.now,
        follow=watch,
    )
