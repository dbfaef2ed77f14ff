"""`stockctl providers`: which there are, what can be chosen about each, and whether one does what every provider has to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from stockjobs.cli import tables
from stockjobs.cli.ages import span
from stockjobs.cli.arguments import Output
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.listing import Listing
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.session import container_of
from stockjobs.cli.tables import fields, inner_width, lines
from stockjobs.cli.taking import taking
from stockjobs.cli.values import checked
from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.counting import counted
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.periods import parse_instant
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.providers import registry
from stockjobs.providers.base import Provider
from stockjobs.providers.conformance import Question, results
from stockjobs.providers.plugin import Plugin
from stockjobs.providers.registry import Found


class _Listing(Listing):
    """The list of providers, whose verb `describe` takes one."""

    shows = "describe"


group = typer.Typer(
    cls=_Listing,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="List where data may come from. Describe a provider, or check that it does what every provider has to.",
)

_MONTH = timedelta(days=30)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The provider's name.")]


def _documented(found: Found) -> dict[str, Any]:
    document: dict[str, Any] = {"name": found.name, "package": found.package}
    if found.plugin is None:
        return {**document, "problem": found.problem}
    options = [
        {"name": one.name, "type": one.type, "default": one.default, "about": one.about, "secret": one.is_secret}
        for one in found.plugin.choices()
    ]
    return {**document, "about": found.plugin.about, "options": options}


PROVIDERS: View[Found] = View(
    name=lambda found: f"provider/{found.name}",
    columns=(
        Column("name", lambda found: found.name),
        Column("package", lambda found: found.package),
        Column(
            "about", lambda found: found.plugin.about if found.plugin else f"unusable: {found.problem}", is_prose=True
        ),
    ),
    document=_documented,
)


@group.callback()
def providers(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List where data may come from. Describe a provider, or check that it does what every provider has to."""
    if ctx.invoked_subcommand is None:
        write(PROVIDERS, list(registry.every()), output, datetime.now(UTC))


@group.command()
def describe(name: Name) -> None:
    """Show what a provider serves, and its options. Of each interval its limits, and of each option the default."""
    plugin = registry.plugin(name)
    for line in (
        *fields([("Name", plugin.name), ("About", plugin.about)], most=tables.width()),
        *_limits(plugin),
        *_options(plugin),
    ):
        typer.echo(line)


def _limits(plugin: Plugin) -> Iterator[str]:
    yield "Limits:"
    rows = [[interval.value, *_limit(plugin.limits(interval))] for interval in Interval]
    yield from (f"  {line}" for line in lines(["interval", "longest window", "reaches back"], rows))


def _limit(limits: Limits) -> Sequence[str]:
    return [span(length) if length else "-" for length in (limits.max_span, limits.reach_back)]


def _options(plugin: Plugin) -> Iterator[str]:
    rows = [
        [one.name, one.type, "required" if one.default is None else one.default or "empty", one.about or "-"]
        for one in plugin.choices()
    ]
    yield f"Options, under [providers.{plugin.name}] in stockjobs.toml:" if rows else "Options:  none"
    if rows:
        yield from (f"  {line}" for line in lines(["name", "type", "default", "about"], rows, most=inner_width(2)))


@dataclass(frozen=True)
class Asked:
    """What a provider is asked for when it is checked: bars of a symbol that it knows, and of one that it does not."""

    symbol: str
    interval: Interval
    window: tuple[datetime, datetime]
    unknown: str

    def question(self, open_provider: Callable[[], Provider]) -> Question:
        """The same, asked of a provider now."""
        start, end = self.window
        return Question(open_provider, self.symbol, self.interval, start, end, datetime.now(UTC), self.unknown)


def asked_of(
    *,
    symbol: Annotated[str, typer.Option("--symbol", "-s", metavar="SYMBOL", help="One that it knows.")],
    interval: Annotated[Interval, typer.Option("--interval", "-i", help="The bars' interval.")] = Interval.D1,
    start: Annotated[
        str | None, typer.Option(metavar="DAY|INSTANT", help="A window of the past with bars; if not given, a month.")
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY|INSTANT", help="Its end; if not given, two days ago.")] = None,
    unknown: Annotated[str, typer.Option(metavar="SYMBOL", help="One that it does not know.")] = "NOSUCHSYMBOL",
) -> Asked:
    """What options ask for. Raises InvalidInput."""
    return Asked(normalise(symbol, "--symbol"), interval, _window(start, end), normalise(unknown, "--unknown"))


def _window(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    given = checked(WindowSpec, {"start": start, "end": end})
    last = parse_instant(given.end) if given.end else datetime.now(UTC) - timedelta(days=2)
    return (parse_instant(given.start) if given.start else last - _MONTH), last


@group.command()
@taking(asked=asked_of)
def check(ctx: typer.Context, name: Name, *, asked: Asked) -> None:
    """Hold a provider to what every provider has to do. It is asked some dozens of times."""
    container = container_of(ctx)
    question = asked.question(lambda: container.open_provider(name))
    problems: Counter[str] = Counter()
    for result in results(question):
        problems[result.problem] += 1
        # A provider that cannot be reached fails most checks, all in the same words: they are said once.
        if not result.problem or problems[result.problem] == 1:
            problem = f": {result.problem}" if result.problem else ""
            typer.echo(f"{'failed' if problem else 'ok':<6}  {result.check.rule}{problem}")
    del problems[""]
    again = problems.total() - len(problems)
    if again:
        typer.echo(
            f"failed  {counted(again, 'more check')}, for {'this reason' if len(problems) == 1 else 'a reason above'}"
        )
    if problems:
        raise typer.Exit(ExitCode.ERROR)
