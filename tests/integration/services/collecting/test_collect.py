"""Attempts on both databases: claimed once, landed once, retried as the ledger says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, event

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retries import MAX_CRASHES
from stockjobs.domain.work.states import State
from stockjobs.errors import Busy, ProviderDown, RateLimited, SymbolUnknown
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.store import tables
from stockjobs.store.ledger import claims
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def test_a_task_lands_once_though_its_message_came_twice(house: House) -> None:
    house.define()
    occurrence = house.trigger()
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    outcomes = [house.collect.run(UUID(task), number, Lane.REALTIME, worker=f"w{n}@test") for n in range(2)]
    assert [outcome.verdict for outcome in outcomes] == [Verdict.COMPLETED, Verdict.NOTHING]
    assert house.reports.occurrence(str(occurrence.id)).occurrence.state is State.COMPLETED
    _, bars = house.reports.bars("yahoo", "AAPL", Interval.D1)
    assert len(bars) == outcomes[0].landed.written / 2 > 200


def test_collecting_again_asks_only_for_the_overlap_and_writes_nothing(house: House) -> None:
    house.define()
    for _ in range(2):
        house.trigger()
        house.dispatch.tick()
        [outcome] = house.work(Lane.REALTIME)
    assert outcome.landed.written == 0
    second = house.provider.asked[-1]
    assert house.clock.now - second.start < timedelta(days=7)


def test_one_bad_symbol_stops_no_other_and_only_it_is_tried_again(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT", "NVDA"])
    house.provider.errors["MSFT"] = [ProviderDown("502")]
    occurrence = house.trigger()
    house.dispatch.tick()
    [first] = house.work(Lane.REALTIME)
    assert first.verdict is Verdict.RETRIED
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL", "NVDA"]
    house.provider.asked.clear()
    house.clock.advance(timedelta(minutes=1))
    house.dispatch.tick()
    [second] = house.work(Lane.REALTIME)
    assert second.verdict is Verdict.COMPLETED
    assert [request.symbol for request in house.provider.asked] == ["MSFT"]
    report = house.reports.occurrence(str(occurrence.id), with_tasks=10)
    assert report.occurrence.state is State.COMPLETED
    [(task, attempts)] = report.details
    assert [(attempt.number, attempt.state) for attempt in attempts] == [(1, State.RETRIED), (2, State.COMPLETED)]
    assert task.failures == 1


def test_an_unknown_symbol_fails_its_task_at_once_and_the_others_land(house: House) -> None:
    house.define()
    house.provider.errors["MSFT"] = [SymbolUnknown("No data found, symbol may be delisted", status=404)]
    house.trigger()
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.FAILED
    assert "MSFT: No data found" in (outcome.error or "")
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL"]


def test_a_symbol_given_up_is_not_forgotten_when_the_others_succeed_later(house: House) -> None:
    house.define()
    house.provider.errors = {"MSFT": [SymbolUnknown("gone")], "AAPL": [ProviderDown("502")]}
    house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    house.clock.advance(timedelta(minutes=1))
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.FAILED
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL"]


def test_attempts_end_after_the_retries_of_the_job(house: House) -> None:
    house.define(symbols=["AAPL"], retry={"maxRetries": 2, "initial": "PT1S", "cap": "PT1S"})
    house.provider.errors["AAPL"] = [ProviderDown("502")] * 9
    house.trigger()
    verdicts = []
    for _ in range(5):
        house.dispatch.tick()
        verdicts += [outcome.verdict for outcome in house.work(Lane.REALTIME)]
        house.clock.advance(timedelta(seconds=2))
    assert verdicts == [Verdict.RETRIED, Verdict.RETRIED, Verdict.FAILED]


def test_a_rate_limit_waits_as_long_as_it_says_and_uses_no_attempt_up(house: House) -> None:
    house.define(retry={"maxRetries": 0})
    house.provider.errors["AAPL"] = [RateLimited("429", retry_after=timedelta(seconds=90))]
    house.trigger()
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert (outcome.verdict, outcome.wait) == (Verdict.DEFERRED, timedelta(seconds=90))
    [task] = house.tasks()
    assert (task.state, task.failures, task.deferrals) == (State.SCHEDULED, 0, 1)
    assert [request.symbol for request in house.provider.asked] == ["AAPL"]
    house.clock.advance(timedelta(seconds=90))
    house.dispatch.tick()
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == [Verdict.COMPLETED]


def test_a_dead_workers_task_is_taken_up_again(house: House) -> None:
    house.define()
    house.trigger()
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    house.purge(Lane.REALTIME)
    _claim(house, task, number)
    house.clock.advance(timedelta(seconds=31))
    assert house.dispatch.tick().lost == 1
    assert house.knocks(Lane.REALTIME) == [(task, 2)]
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == [Verdict.COMPLETED]


def test_a_task_that_kills_its_workers_is_set_aside(house: House) -> None:
    house.define()
    occurrence = house.trigger()
    for _ in range(MAX_CRASHES):
        house.dispatch.tick()
        [(task, number)] = house.knocks(Lane.REALTIME)
        house.purge(Lane.REALTIME)
        _claim(house, task, number)
        house.clock.advance(timedelta(seconds=31))
    house.dispatch.tick()
    report = house.reports.occurrence(str(occurrence.id), with_tasks=1)
    assert report.occurrence.state is State.FAILED
    [(dead, attempts)] = report.details
    assert (dead.state, dead.crashes, dead.error_kind) == (State.FAILED, MAX_CRASHES, "crash")
    assert [attempt.state for attempt in attempts] == [State.LOST] * MAX_CRASHES


def test_a_worker_that_lost_its_lease_lands_nothing(house: House) -> None:
    house.define(symbols=["AAPL"])
    house.trigger()
    house.dispatch.tick()
    taken_over: list[Verdict] = []

    def lose_the_lease(_: object) -> None:
        house.provider.before = lambda request: None
        house.clock.advance(timedelta(seconds=31))
        house.dispatch.tick()
        taken_over.extend(outcome.verdict for outcome in house.work(Lane.REALTIME))

    house.provider.before = lose_the_lease
    [(task, number)] = house.knocks(Lane.REALTIME)
    house.purge(Lane.REALTIME)
    outcome = house.collect.run(UUID(task), number, Lane.REALTIME, worker="late@test")
    assert taken_over == [Verdict.COMPLETED]
    assert outcome.verdict is Verdict.LOST


def test_cancelling_stops_waiting_work_at_once_and_running_work_soon(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT", "NVDA"])
    occurrence = house.trigger()
    house.dispatch.tick()

    def cancel_it(_: object) -> None:
        house.provider.before = lambda request: None
        house.steering.cancel(str(occurrence.id), by="test")

    house.provider.before = cancel_it
    [(task, number)] = house.knocks(Lane.REALTIME)
    outcome = house.collect.run(UUID(task), number, Lane.REALTIME, worker="w@test")
    assert outcome.verdict is Verdict.CANCELLED
    assert house.reports.holdings() == []
    report = house.reports.occurrence(str(occurrence.id), with_tasks=1)
    assert report.occurrence.state is State.CANCELLED
    assert [attempt.state for _, attempts in report.details for attempt in attempts] == [State.CANCELLED]


def test_an_error_of_our_own_is_written_down_and_tried_again(house: House) -> None:
    house.define(symbols=["AAPL"])
    house.trigger()
    house.dispatch.tick()

    def fail(_: object) -> None:
        house.provider.before = lambda request: None
        raise ZeroDivisionError("a bug")

    house.provider.before = fail
    [outcome] = house.work(Lane.REALTIME)
    assert (outcome.verdict, outcome.error) == (Verdict.RETRIED, "AAPL: ZeroDivisionError: a bug")
    [task] = house.tasks()
    assert (task.state, task.error_kind, task.failures) == (State.SCHEDULED, "ours", 1)


def test_leases_that_ran_out_while_the_database_was_away_get_one_more(house: House) -> None:
    house.define()
    house.trigger()
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    _claim(house, task, number)
    house.dispatch.recovery.was_away()
    house.clock.advance(timedelta(seconds=31))
    assert house.dispatch.tick().lost == 0
    house.clock.advance(timedelta(seconds=31))
    assert house.dispatch.tick().lost == 1


def _claim(house: House, task: str, number: int) -> None:
    with house.database.begin() as connection:
        found = claims.claim(
            connection,
            UUID(task),
            number,
            Lane.REALTIME,
            worker="dead@test",
            now=house.clock.now,
            lease=timedelta(seconds=30),
        )
    assert found is not None


def test_a_backfill_after_a_pause_leaves_no_hole_for_the_next_incremental_run(house: House) -> None:
    house.define("NEW", symbols=["AAPL"])
    house.define("OLD", symbols=["AAPL"], mode="backfill", window={"period": "P1D"})
    _run(house, "NEW", Lane.REALTIME)
    paused_at = house.clock.now
    house.clock.advance(timedelta(days=30))
    _run(house, "OLD", Lane.HISTORICAL)
    _run(house, "NEW", Lane.REALTIME)
    assert house.provider.asked[-1].start < paused_at


def test_a_backfill_that_meets_what_is_stored_moves_the_position(house: House) -> None:
    house.define("NEW", symbols=["AAPL"])
    house.define("OLD", symbols=["AAPL"], mode="backfill", window={"period": "P40D"})
    _run(house, "NEW", Lane.REALTIME)
    house.clock.advance(timedelta(days=30))
    _run(house, "OLD", Lane.HISTORICAL)
    _run(house, "NEW", Lane.REALTIME)
    assert house.clock.now - house.provider.asked[-1].start < timedelta(days=8)


def test_a_symbol_whose_data_cannot_be_stored_stops_no_other(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"])
    house.provider.names["MSFT"] = object()
    house.trigger()
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.RETRIED
    assert "MSFT" in (outcome.error or "")
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL"]


def test_somebody_in_the_way_while_the_data_that_cannot_be_stored_is_looked_for_is_waited_for(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"])
    house.provider.names["MSFT"] = object()
    house.trigger()
    house.dispatch.tick()
    in_the_way: list[bool] = []

    def refuse_once(connection: Connection) -> None:
        if in_the_way == [True]:
            in_the_way.append(False)
            raise Busy("deadlock detected")

    event.listen(house.database.engine, "rollback", lambda connection: in_the_way or in_the_way.append(True))
    event.listen(house.database.engine, "begin", refuse_once)
    [outcome] = house.work(Lane.REALTIME)
    assert (outcome.verdict, in_the_way) == (Verdict.RETRIED, [True, False])
    assert [held.symbol for held in house.reports.holdings()] == ["AAPL"]


def _run(house: House, job: str, lane: Lane) -> None:
    house.trigger(job)
    house.dispatch.tick()
    [outcome] = house.work(lane)
    assert outcome.verdict is Verdict.COMPLETED


def test_prices_in_another_unit_are_set_aside_whole(house: House) -> None:
    house.define(symbols=["AAPL"])
    _run(house, "DAILY", Lane.REALTIME)
    house.clock.advance(timedelta(days=3))
    house.provider.currency = "GBP"
    house.trigger()
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.landed.written == 0
    assert outcome.landed.rejected > 0
    with house.database.read() as connection:
        [finding] = connection.execute(tables.findings.select()).mappings().all()
    assert (finding["kind"], finding["reason"]) == (
        "identity",
        "prices came in GBP in units of 1, and are kept in USD in units of 1",
    )
