"""Backfills on both databases against the local server: planned from what is missing, and resumed where they stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane, Priority
from stockjobs.domain.work.states import State
from stockjobs.errors import ProviderDown
from stockjobs.providers import registry
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.market.calendars import Calendars
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store.ledger.tasks import Task
from tests.fixtures.house import House, spec

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)


@pytest.fixture
def market(house: House, yahoo: SimulatorClient) -> Iterator[SimulatorClient]:
    """The local server at the time of the house, which asks it."""
    provider = registry.open_provider("yahoo", YahooOptions(base_url=yahoo.url))
    house.provider = provider  # type: ignore[assignment]
    house.clock.now = NOW
    yahoo.set_clock(NOW)
    yield yahoo
    provider.close()


def window(**fields: object) -> WindowSpec:
    return WindowSpec.model_validate(fields)


YEAR = window(start="2025-01-01", end="2026-01-01")


def collect(house: House, job: str = "DAILY", asked: WindowSpec | None = YEAR) -> list[Outcome]:
    """Ask for a backfill and work it off, with the calendars of what is stored by then."""
    house.clock.advance(timedelta(seconds=1))
    house.trigger(job, window=asked)
    return work(house)


def work(house: House) -> list[Outcome]:
    house.dispatch.tick()
    outcomes = house.work(Lane.HISTORICAL)
    assert all(outcome.verdict is Verdict.COMPLETED for outcome in outcomes), outcomes
    Calendars(house.database).refresh()
    return outcomes


def newest(house: House) -> OccurrenceReport:
    return house.reports.occurrence(str(house.reports.occurrences()[0].occurrence.id))


def tasks_of_newest(house: House) -> list[Task]:
    return list(house.reports.tasks(occurrence=str(newest(house).occurrence.id)))


def asked(market: SimulatorClient) -> dict[str, int]:
    return dict(market.call("GET", "counters")["by_symbol"])


def forget(market: SimulatorClient) -> None:
    market.call("DELETE", "counters")


def test_a_second_backfill_of_the_same_window_has_no_tasks_and_says_so(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL", "MSFT"])
    [outcome] = collect(house)
    # 250 sessions and 4 dividends each.
    assert outcome.landed.written == 2 * 254
    forget(market)
    assert collect(house) == []
    report = newest(house)
    assert (report.state, report.occurrence.reason, report.tasks, asked(market)) == (
        State.COMPLETED,
        "nothing is missing",
        {},
        {},
    )
    assert list(report.errors) == []


def test_of_two_symbols_only_the_one_that_lacks_something_is_asked_for(house: House, market: SimulatorClient) -> None:
    house.define("ONE", symbols=["AAPL"])
    house.define(symbols=["AAPL", "MSFT"])
    collect(house, "ONE")
    forget(market)
    collect(house)
    [task] = tasks_of_newest(house)
    assert (task.symbols, asked(market)) == (("MSFT",), {"MSFT": 1})


def test_a_longer_window_asks_only_for_what_it_adds(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL"])
    collect(house)
    forget(market)
    collect(house, asked=window(start="2024-07-01", end="2026-01-01"))
    [task] = tasks_of_newest(house)
    # The last session of 2024 was New Year's Eve.
    assert task.window_start is not None
    assert task.window_end is not None
    assert (f"{task.window_start:%Y-%m-%d}", f"{task.window_end:%Y-%m-%d}") == ("2024-07-01", "2025-01-01")
    assert asked(market) == {"AAPL": 1}


def test_a_window_without_a_session_asks_for_nothing(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL"])
    collect(house)
    forget(market)
    # From Saturday to Presidents' Day.
    assert collect(house, asked=window(start="2026-02-14", end="2026-02-17")) == []
    assert asked(market) == {}


def test_what_is_stored_is_asked_for_again_where_somebody_wants_it(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL"])
    collect(house)
    forget(market)
    [outcome] = collect(house, asked=window(start="2025-01-01", end="2026-01-01", refetch=True))
    assert (asked(market), outcome.landed.received >= 250, outcome.landed.written) == ({"AAPL": 1}, True, 0)


def test_a_series_is_not_expected_before_its_first_trade(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["TSLA"])
    # It was first traded on 29 June 2010.
    collect(house, asked=window(start="2010-01-01", end="2011-01-01"))
    forget(market)
    assert collect(house, asked=window(start="2008-01-01", end="2011-01-01")) == []
    assert asked(market) == {}


def test_what_the_source_does_not_have_is_not_asked_for_again(house: House, market: SimulatorClient) -> None:
    market.call("POST", "holes", {"symbol": "AAPL", "every": 20})
    house.define(symbols=["AAPL"])
    [outcome] = collect(house)
    assert outcome.landed.written < 250
    forget(market)
    assert collect(house) == []
    assert asked(market) == {}


def test_a_task_that_is_tried_again_asks_only_for_what_is_still_missing(house: House, market: SimulatorClient) -> None:
    """As after a kill: the first attempt landed half of it before another took the task over."""
    house.define("FIRST", symbols=["AAPL"])
    house.define(symbols=["AAPL", "MSFT"], batchSize=2)
    collect(house, "FIRST", window(start="2026-02-02", end="2026-02-03"))
    house.clock.advance(timedelta(seconds=1))
    house.trigger(window=YEAR)
    [task] = tasks_of_newest(house)
    assert sorted(task.symbols) == ["AAPL", "MSFT"]
    house.dispatch.tick()
    [(first, number)] = house.knocks(Lane.HISTORICAL)
    house.purge(Lane.HISTORICAL)
    # The first worker is killed; meanwhile somebody else collects one of the symbols.
    house.define("OTHER", symbols=["AAPL"], mode="backfill", window={"start": "2025-01-01", "end": "2026-01-01"})
    house.trigger("OTHER")
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    forget(market)
    outcome = house.collect.run(UUID(first), number, Lane.HISTORICAL, worker="w2@test")
    assert (outcome.verdict, outcome.skipped, asked(market)) == (Verdict.COMPLETED, 1, {"MSFT": 1})


def test_a_backfill_that_was_cancelled_goes_on_where_it_stopped(house: House, market: SimulatorClient) -> None:
    symbols = ["AAPL", "MSFT", "NVDA", "AMZN"]
    house.define(symbols=symbols, batchSize=1)
    occurrence = house.trigger(window=YEAR)
    house.dispatch.tick()
    knocks = house.knocks(Lane.HISTORICAL)
    house.purge(Lane.HISTORICAL)
    for task, number in knocks[:2]:
        house.collect.run(UUID(task), number, Lane.HISTORICAL, worker="w@test")
    house.steering.cancel(str(occurrence.id), by="test")
    Calendars(house.database).refresh()
    forget(market)
    collect(house)
    assert sum(asked(market).values()) == 2
    assert len(tasks_of_newest(house)) == 2
    assert {held.symbol: held.bars for held in house.reports.holdings()} == dict.fromkeys(sorted(symbols), 250)


def test_a_scheduled_backfill_is_planned_whole_and_asks_for_what_is_missing(
    house: House, market: SimulatorClient
) -> None:
    year = {"start": "2025-01-01", "end": "2026-01-01"}
    house.define("FIRST", symbols=["AAPL"], mode="backfill", window=year)
    collect(house, "FIRST", None)
    forget(market)
    house.define(symbols=["AAPL", "MSFT"], mode="backfill", window=year, schedule={"interval": "R/PT1H"})
    house.clock.advance(timedelta(hours=1))
    [outcome] = work(house)
    assert (outcome.skipped, asked(market)) == (1, {"MSFT": 1})


def test_windows_that_are_about_to_be_lost_go_first(house: House) -> None:
    house.clock.now = NOW
    house.define(symbols=["AAPL"], intervals=["1d", "1m"])
    house.trigger(window=window(period="P28D"))
    tasks = sorted(house.tasks(), key=lambda task: task.about)
    assert [task.priority for task in tasks] == [Priority.HIGH, *[Priority.NORMAL] * 4]
    assert [task.interval_s for task in tasks[:3]] == [60] * 3
    house.dispatch.tick()
    [first, *_] = house.knocks(Lane.HISTORICAL)
    assert first[0] == str(tasks[0].id)


def test_a_task_whose_window_is_partly_lost_asks_for_what_is_left(house: House) -> None:
    house.clock.now = NOW
    house.define(symbols=["AAPL"], intervals=["1m"])
    house.trigger(window=window(start="2026-02-05", end="2026-02-06"))
    house.dispatch.tick()
    house.clock.now = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
    [outcome] = house.work(Lane.HISTORICAL)
    assert (outcome.verdict, outcome.skipped) == (Verdict.COMPLETED, 0)
    assert [request.start for request in house.provider.asked] == [datetime(2026, 2, 5, 12, 0, tzinfo=UTC)]


def test_a_task_whose_window_is_lost_asks_for_nothing(house: House) -> None:
    house.clock.now = NOW
    house.define(symbols=["AAPL"], intervals=["1m"])
    house.trigger(window=window(start="2026-02-05", end="2026-02-06"))
    house.dispatch.tick()
    house.clock.now = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
    [outcome] = house.work(Lane.HISTORICAL)
    assert (outcome.verdict, outcome.skipped, house.provider.asked) == (Verdict.COMPLETED, 1, [])


def test_what_a_backfill_costs_is_what_it_then_asks_for(house: House, market: SimulatorClient) -> None:
    house.define("ONE", symbols=["AAPL"])
    collect(house, "ONE")
    house.define(symbols=["AAPL", "MSFT"], intervals=["1d", "1m"])
    two_weeks = window(start="2026-02-17", end="2026-03-04")
    cost = house.requests.estimate(spec(symbols=["AAPL", "MSFT"], intervals=["1d", "1m"]), two_weeks)
    forget(market)
    collect(house, asked=two_weeks)
    assert cost.requests == sum(asked(market).values()) == 8
    assert cost.tasks == len(tasks_of_newest(house)) == 4


def test_what_was_priced_is_queued_without_a_second_look(house: House, market: SimulatorClient) -> None:
    whole = spec(symbols=["AAPL", "MSFT"], mode="backfill", window=YEAR.model_dump(exclude_none=True))
    cost = house.requests.estimate(whole)
    house.define("ONE", symbols=["AAPL"])
    collect(house, "ONE")
    looked_again = house.requests.submit(whole, submitter="me", key="again")
    as_priced = house.requests.submit(whole, submitter="me", key="priced", survey=cost.survey)
    of_another = house.requests.submit(
        whole.model_copy(update={"symbols": ("MSFT",)}), submitter="me", survey=cost.survey
    )
    queued = [house.reports.tasks(occurrence=str(one.id)) for one in (looked_again, as_priced, of_another)]
    assert [sorted(symbol for task in tasks for symbol in task.symbols) for tasks in queued] == [
        ["MSFT"],
        ["AAPL", "MSFT"],
        ["MSFT"],
    ]


def test_a_symbol_that_failed_is_all_that_is_asked_for_next(house: House) -> None:
    house.clock.now = NOW
    house.provider.errors["MSFT"] = [ProviderDown("502")]
    house.define(retry={"maxRetries": 0})
    house.trigger(window=YEAR)
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL"]
