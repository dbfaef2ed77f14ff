"""`stockctl budget` on a real Redis, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stockjobs.domain.asking.budgets import Budget
from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import RateLimited
from stockjobs.transport.budget import Budgets, Place
from tests.fixtures.cli import Ctl

TOKYO = Place("yahoo", "tokyo", Budget(2, 60, 0), 0.5, timedelta(seconds=20))


@pytest.fixture
def budgets(redis_url: str) -> Iterator[Budgets]:
    found = Budgets(redis_url)
    yield found
    found.close()


def ask(budgets: Budgets, error: RateLimited | None = None) -> None:
    """One request of the realtime lane, which ends so."""
    budgets.enter(TOKYO, "a ticket", Lane.REALTIME, most=timedelta(0))
    budgets.leave(TOKYO, "a ticket", error)


def test_it_shows_what_was_used_of_each_window(ctl: Ctl, budgets: Budgets, redis_url: str) -> None:
    ask(budgets)
    titles, row = ctl.lines("--redis-url", redis_url, "budget")
    assert titles.split()[:6] == ["PROVIDER", "EGRESS", "STATE", "UNTIL", "SECOND", "MINUTE"]
    assert row.split()[:3] == ["yahoo", "tokyo", "open"]
    assert "1/60" in row
    assert ctl.lines("--redis-url", redis_url, "budget", "yahoo")[1] == row
    assert "No worker has asked files" in ctl("--redis-url", redis_url, "budget", "files").stderr
    [document] = ctl.json("--redis-url", redis_url, "budget")
    assert [(one["seconds"], one["limit"], one["historicalLimit"]) for one in document["windows"]] == [
        (1, 2, 1),
        (60, 60, 30),
    ]


def test_reopening_is_told_with_by_whom(ctl: Ctl, budgets: Budgets, redis_url: str) -> None:
    ask(budgets, RateLimited("429", retry_after=timedelta(minutes=9)))
    assert ctl.lines("--redis-url", redis_url, "budget")[1].split()[2] == "limited"
    reopen = ("--redis-url", redis_url, "budget", "--reopen", "yahoo/tokyo")
    assert ctl(*reopen).stdout.startswith("budget/yahoo/tokyo is open again: ")
    [told] = [one for one in ctl.container.feed.last(10) if one.name is EventName.PROVIDER_REOPENED]
    assert (told.data["provider"], told.data["egress"], told.data["was"]) == ("yahoo", "tokyo", "limited")
    assert told.data["by"]
    assert ctl.lines("--redis-url", redis_url, "budget")[1].split()[2] == "open"


def test_reopening_what_is_open_changes_and_tells_nothing(ctl: Ctl, budgets: Budgets, redis_url: str) -> None:
    ask(budgets)
    told = ctl("--redis-url", redis_url, "budget", "--reopen", "yahoo/tokyo").stdout
    assert told == "budget/yahoo/tokyo was open\n"
    assert ctl.container.feed.last(10) == []


def test_a_budget_that_is_not_there_cannot_be_reopened(ctl: Ctl, redis_url: str) -> None:
    error = ctl("--redis-url", redis_url, "budget", "--reopen", "yahoo", code=3).stderr
    assert "there is no budget/yahoo/default; `stockctl budget` lists those that there are" in error


@pytest.mark.parametrize("arguments", [(), ("--reopen", "yahoo")])
def test_a_redis_that_is_away_is_told(ctl: Ctl, arguments: tuple[str, ...]) -> None:
    result = ctl("budget", *arguments, code=6)
    assert result.stdout == ""
    assert "cannot be reached" in result.stderr
    assert ctl.container.feed.last(10) == []


def test_the_state_of_a_closed_provider_is_part_of_the_status(ctl: Ctl, budgets: Budgets, redis_url: str) -> None:
    ask(budgets, RateLimited("429", retry_after=timedelta(minutes=9)))
    [told] = [line for line in ctl.lines("--redis-url", redis_url, "status") if line.startswith("provider")]
    assert told.split()[1] == "noted"
    assert "yahoo has asked us to slow down (egress tokyo): nobody asks it until " in told


def test_a_price_goes_by_the_budget_that_workers_keep(ctl: Ctl, budgets: Budgets, redis_url: str) -> None:
    ask(budgets)
    price = ("backfill", "-s", "AAPL,MSFT", "--start", "2024-01-01", "--end", "2024-02-01", "--dry-run")
    (line,) = ctl.lines("--redis-url", redis_url, *price)
    assert line.endswith("2 requests to yahoo, about 4s, as the workers' budget for historical work allows (dry run)")
