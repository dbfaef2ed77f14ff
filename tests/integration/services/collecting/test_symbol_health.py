"""Symbols that their provider does not know any more: suspect, dead, back; and never by an outage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.symbol_health import Health
from stockjobs.domain.work.filters import EventFilter
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import ProviderDown, SymbolUnknown
from stockjobs.store.ledger import events
from stockjobs.store.market import health
from stockjobs.store.tables import findings as findings_table
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

A_DAY = timedelta(days=1)
GONE = "GONE"


def define(house: House, *symbols: str) -> None:
    house.define(symbols=list(symbols), retry={"maxRetries": 0})


def run(house: House) -> list[str]:
    """Collect once; returns how each task ended."""
    house.trigger()
    house.dispatch.tick()
    return [outcome.verdict.value for lane in Lane for outcome in house.work(lane)]


def days(house: House, count: int, *unknown: str) -> None:
    """Collect once a day for so many days, while the provider does not know some symbols."""
    for _ in range(count):
        house.clock.advance(A_DAY)
        house.provider.errors = {symbol: [SymbolUnknown(f"no {symbol}")] for symbol in unknown}
        run(house)
    house.provider.errors = {}


def states(house: House) -> dict[str, Health]:
    with house.database.read() as connection:
        return {symbol: one.state for (_, symbol), one in health.every(connection).items()}


def told(house: House, *names: EventName) -> list[tuple[str, str]]:
    with house.database.read() as connection:
        found = events.latest(connection, 500, EventFilter(names=names))
    return [(event.name.value, event.data["symbol"]) for event in found]


HEALTH = (EventName.SYMBOL_SUSPECT, EventName.SYMBOL_DEAD, EventName.SYMBOL_ACTIVE)


def test_unknown_on_three_days_while_others_are_fine_is_suspect(house: House) -> None:
    define(house, "AAPL", GONE)
    run(house)
    days(house, 2, GONE)
    assert states(house) == {GONE: Health.ACTIVE}
    assert told(house, *HEALTH) == []
    days(house, 1, GONE)
    assert states(house) == {GONE: Health.SUSPECT}
    assert told(house, *HEALTH) == [("symbol.suspect", GONE)]
    with house.database.read() as connection:
        kinds = connection.execute(findings_table.select()).mappings().all()
    assert [(one["kind"], one["symbol"], one["state"]) for one in kinds] == [(FindingKind.SYMBOL.value, GONE, "open")]


def test_unknown_many_times_on_one_day_counts_once(house: House) -> None:
    define(house, "AAPL", GONE)
    run(house)
    for _ in range(5):
        house.clock.advance(timedelta(hours=2))
        house.provider.errors = {GONE: [SymbolUnknown("no")]}
        run(house)
    with house.database.read() as connection:
        assert health.of(connection, "yahoo", [GONE])[GONE].unknown_days == 1


def test_after_two_weeks_it_is_dead_asked_once_a_week_and_the_task_succeeds_without_it(house: House) -> None:
    define(house, "AAPL", GONE)
    run(house)
    days(house, 14, GONE)
    assert states(house) == {GONE: Health.DEAD}
    assert told(house, *HEALTH) == [("symbol.suspect", GONE), ("symbol.dead", GONE)]
    house.provider.asked.clear()
    house.provider.errors = {GONE: [SymbolUnknown("no")] * 20}
    verdicts = []
    for _ in range(8):
        house.clock.advance(A_DAY)
        verdicts += run(house)
    assert sum(request.symbol == GONE for request in house.provider.asked) == 1
    assert verdicts.count("completed") == 7


def test_a_success_makes_it_active_again_and_mends_the_finding(house: House) -> None:
    define(house, "AAPL", GONE)
    run(house)
    days(house, 4, GONE)
    days(house, 1)
    assert states(house) == {GONE: Health.ACTIVE}
    assert told(house, *HEALTH)[-1] == ("symbol.active", GONE)
    with house.database.read() as connection:
        (one,) = connection.execute(findings_table.select()).mappings().all()
    assert (one["state"], one["decided_by"]) == ("mended", "stockjobs")
    days(house, 2, GONE)
    assert states(house) == {GONE: Health.ACTIVE}


@pytest.mark.parametrize("said", [SymbolUnknown, ProviderDown])
def test_an_outage_marks_nobody(house: House, said: type[SymbolUnknown]) -> None:
    define(house, "AAPL", "MSFT", GONE)
    run(house)
    for _ in range(9):
        house.clock.advance(A_DAY)
        house.provider.errors = {symbol: [said("out of order")] for symbol in ("AAPL", "MSFT", GONE)}
        run(house)
    assert set(states(house).values()) <= {Health.ACTIVE}
    assert told(house, *HEALTH) == []


def test_a_provider_that_knows_fewer_than_it_does_not_is_not_believed(house: House) -> None:
    define(house, "AAPL", "MSFT", GONE)
    run(house)
    days(house, 10, "MSFT", GONE)
    assert states(house) == {}


def test_others_of_the_same_hours_count_where_a_task_has_one_symbol(house: House) -> None:
    house.define("ALONE", symbols=[GONE], retry={"maxRetries": 0})
    define(house, "AAPL", "MSFT")
    run(house)
    house.trigger("ALONE")
    house.dispatch.tick()
    [house.work(lane) for lane in Lane]
    for _ in range(3):
        house.clock.advance(A_DAY)
        run(house)
        house.provider.errors = {GONE: [SymbolUnknown("no")]}
        house.trigger("ALONE")
        house.dispatch.tick()
        [house.work(lane) for lane in Lane]
    assert states(house) == {GONE: Health.SUSPECT}


def test_a_symbol_that_never_had_data_fails_its_task_and_is_not_suspect(house: House) -> None:
    define(house, "AAPL", "TPYO")
    days(house, 5, "TPYO")
    assert states(house) == {}
    assert {task.state for task in house.tasks()} == {State.FAILED}
