"""Verbs that take options as values take all of them, in their order and with what makers make of them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from stockjobs.cli import (
    arguments,
    backfill,
    coverage,
    data,
    ending,
    events,
    filters,
    findings,
    gaps,
    get,
    later,
    providers,
    render,
    repair,
    rules,
    schedule,
    series,
    simulator,
    stats,
    steering,
    symbols,
    targets,
    trigger,
    wait,
)
from stockjobs.cli import next as next_times
from stockjobs.cli.taking import taking

TAKEN: list[tuple[Callable[..., None], Callable[..., Any], str]] = [
    *((verb, filters.filter_of, "wanted") for verb in (steering.cancel, steering.retry, stats.stats)),
    *((verb, filters.filter_of, "wanted") for verb in (get.occurrences, get.tasks)),
    *((verb, series.named, "series") for verb in (coverage.coverage, gaps.gaps, repair.repair)),
    *((verb, ending.ending_of, "ending") for verb in (backfill.backfill, repair.repair, trigger.trigger)),
    *((verb, later.later, "when") for verb in (backfill.backfill, trigger.trigger)),
    *((verb, rules.rule_of, "rule") for verb in (next_times.show, schedule.schedule)),
    *((verb, rules.clocks_of, "clocks") for verb in (next_times.show, schedule.schedule)),
    *((verb, findings.meant_of, "meant") for verb in (findings.release, findings.reject)),
    (backfill.backfill, backfill.asked_of, "asked"),
    (wait.wait, ending.waited_for, "ending"),
    (data.data, targets.target_of, "target"),
    *((verb, arguments.symbols_of, "wanted") for verb in (data.data, symbols.show)),
    (events.events, events.which_of, "which"),
    (get.jobs, get.chosen_of, "chosen"),
    (providers.check, providers.asked_of, "asked"),
    (render.render, render.given_of, "given"),
    (simulator.simulator, simulator.config_of, "config"),
]


@pytest.mark.parametrize(("verb", "made", "value"), TAKEN)
def test_a_verb_has_all_options_of_a_value_in_their_order_and_not_the_value(
    verb: Callable[..., None], made: Callable[..., Any], value: str
) -> None:
    options = [name for name in signature(made).parameters if name != "now"]
    names = list(signature(verb).parameters)
    assert [name for name in names if name in options] == options
    assert value not in names
    assert names[0] == "ctx"


def _sum_of(*, left: Annotated[int, typer.Option()] = 1, right: Annotated[int, typer.Option()] = 2) -> int:
    return left + right


@taking(total=_sum_of)
def _tell(ctx: typer.Context, name: Annotated[str, typer.Argument()], *, total: int, loud: bool = False) -> None:
    """Tell."""
    typer.echo(f"{name.upper() if loud else name} {total}")


@pytest.mark.parametrize(
    ("typed", "told"), [(["a"], "a 3"), (["a", "--right", "5"], "a 6"), (["--left=7", "a", "--loud"], "A 9")]
)
def test_a_verb_takes_what_is_made_of_its_options(typed: list[str], told: str) -> None:
    app = typer.Typer()
    app.command()(_tell)
    assert CliRunner().invoke(app, typed).stdout.strip() == told
