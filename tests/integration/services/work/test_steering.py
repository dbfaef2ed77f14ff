"""Cancelling for good, and giving failed work another chance, on both databases."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retries import MAX_CRASHES
from stockjobs.domain.work.states import State
from stockjobs.errors import Conflict, InvalidInput, NotFound, ProviderDown, SymbolUnknown
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.services.work.steering import Refused, Retried
from stockjobs.store.ledger import claims
from stockjobs.store.ledger.occurrences import Occurrence
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def failing(house: House, name: str = "DAILY", **spec: object) -> Occurrence:
    """An occurrence of which one symbol failed for good and the other landed."""
    house.define(name, retry={"maxRetries": 0}, **spec)
    house.provider.errors["MSFT"] = [SymbolUnknown("gone")]
    occurrence = house.trigger(name)
    work(house)
    assert state_of(house, occurrence) is State.FAILED
    return occurrence


def work(house: House) -> None:
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)


def state_of(house: House, occurrence: Occurrence) -> State:
    return house.reports.occurrence(str(occurrence.id)).occurrence.state


def test_a_retried_occurrence_asks_for_the_failed_symbol_alone_and_completes(house: House) -> None:
    occurrence = failing(house)
    house.provider.asked.clear()
    retried = house.steering.retry(str(occurrence.id)[:8], by="ann")
    assert (retried.tasks, retried.symbols, retried.occurrence.state) == (1, 1, State.QUEUED)
    assert retried.occurrence.finished_at is None
    work(house)
    assert [request.symbol for request in house.provider.asked] == ["MSFT"]
    report = house.reports.occurrence(str(occurrence.id), with_tasks=5)
    assert report.occurrence.state is State.COMPLETED
    [(task, attempts)] = report.details
    assert [(one.number, one.state) for one in attempts] == [(1, State.FAILED), (2, State.COMPLETED)]
    assert (task.failures, task.error) == (0, None)
    names = [event.name for event in house.feed.last(20, house.feed.filter(occurrence=str(occurrence.id)))]
    assert [name.removeprefix("job.") for name in names] == [
        *("queued", "started", "progress", "failed"),
        *("retried", "started", "progress", "completed"),
    ]


def test_every_failed_task_of_an_occurrence_is_tried_again(house: House) -> None:
    house.define(retry={"maxRetries": 0}, intervals=["1d", "1h"], batchSize=1)
    for symbol in ("AAPL", "MSFT"):
        house.provider.errors[symbol] = [SymbolUnknown("gone"), SymbolUnknown("gone")]
    occurrence = house.trigger()
    work(house)
    assert house.steering.retry(str(occurrence.id), by="test").tasks == 4
    work(house)
    assert state_of(house, occurrence) is State.COMPLETED


def test_what_completed_runs_or_was_cancelled_is_not_tried_again(house: House) -> None:
    house.define()
    occurrence = house.trigger()
    with pytest.raises(Conflict, match="is queued: wait"):
        house.steering.retry(str(occurrence.id), by="ann")
    work(house)
    with pytest.raises(Conflict, match="is completed: nothing of it failed"):
        house.steering.retry(str(occurrence.id), by="ann")
    cancelled = house.trigger()
    house.steering.cancel(str(cancelled.id), by="ann")
    with pytest.raises(Conflict, match="was cancelled: trigger its job again"):
        house.steering.retry(str(cancelled.id), by="ann")


def test_nothing_is_tried_again_of_a_deleted_job_nor_beside_an_open_occurrence(house: House) -> None:
    occurrence = failing(house)
    other = house.trigger()
    with pytest.raises(Conflict, match=f"while occurrence {other.id} of job 'DAILY' is open"):
        house.steering.retry(str(occurrence.id), by="ann")
    house.administration.delete("DAILY", by="ann")
    with pytest.raises(Conflict, match="was deleted: apply it again"):
        house.steering.retry(str(occurrence.id), by="ann")
    assert state_of(house, occurrence) is State.FAILED


def test_a_task_that_killed_its_workers_is_tried_again_with_its_crashes_forgiven(house: House) -> None:
    house.define(symbols=["AAPL"])
    occurrence = house.trigger()
    lease = timedelta(seconds=30)
    for _ in range(MAX_CRASHES):
        house.dispatch.tick()
        [(task, number)] = house.knocks(Lane.REALTIME)
        house.purge(Lane.REALTIME)
        with house.database.begin() as connection:
            assert claims.claim(
                connection, UUID(task), number, Lane.REALTIME, worker="dead", now=house.clock.now, lease=lease
            )
        house.clock.advance(2 * lease)
        house.dispatch.tick()
        house.purge(Lane.REALTIME)
        house.clock.advance(lease)
    assert state_of(house, occurrence) is State.FAILED
    house.steering.retry(str(occurrence.id), by="ann")
    [task_again] = house.tasks()
    assert (task_again.number, task_again.crashes) == (MAX_CRASHES + 1, 0)
    work(house)
    assert state_of(house, occurrence) is State.COMPLETED


def test_what_the_provider_was_not_asked_for_any_more_is_asked_for_when_tried_again(house: House) -> None:
    symbols = ["A", "B", "C", "D", "E", "F", "G"]
    house.define(symbols=symbols, retry={"maxRetries": 0})
    house.provider.errors = {symbol: [ProviderDown("502")] for symbol in "BCDEF"}
    occurrence = house.trigger()
    work(house)
    asked = len(house.provider.asked)
    assert asked < len(symbols)
    house.steering.retry(str(occurrence.id), by="ann")
    house.provider.errors.clear()
    work(house)
    assert state_of(house, occurrence) is State.COMPLETED
    assert {held.symbol for held in house.reports.holdings()} == set(symbols)
    assert "A" not in [request.symbol for request in house.provider.asked[asked:]]


def test_by_filter_the_newest_of_each_job_is_tried_again_and_the_rest_refused_with_the_reason(house: House) -> None:
    for _ in range(2):
        failing(house)
        house.clock.advance(timedelta(minutes=1))
    failing(house, "OTHER", tags=["nightly"])
    assert house.steering.retriable(Filter(job="DAILY")) == 2
    done = list(house.steering.retry_matching(Filter(job="DAILY"), by="ann"))
    assert [type(one) for one in done] == [Retried, Refused]
    assert house.steering.retriable(Filter(tag="nightly")) == 1
    [other] = house.steering.retry_matching(Filter(tag="nightly", states=(State.FAILED,)), by="ann")
    assert isinstance(other, Retried)
    assert other.occurrence.job == "OTHER"


def test_one_failed_task_is_tried_again_while_the_rest_of_its_occurrence_waits(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"], batchSize=1, retry={"maxRetries": 0})
    house.provider.errors["MSFT"] = [SymbolUnknown("gone")]
    occurrence = house.trigger()
    work(house)
    [task] = house.reports.tasks(states=[State.FAILED])
    assert house.steering.retry_task(str(task.id), by="ann").tasks == 1
    with pytest.raises(Conflict, match="only what failed or timed out"):
        house.steering.retry_task(str(task.id), by="ann")
    assert state_of(house, occurrence) is State.QUEUED
    work(house)
    assert state_of(house, occurrence) is State.COMPLETED


def test_one_cancelled_task_ends_alone_and_its_occurrence_with_the_last(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"], batchSize=1)
    occurrence = house.trigger()
    first, second = house.tasks()
    assert house.steering.cancel_task(str(first.id)[:12], by="ann").state is State.CANCELLED
    assert state_of(house, occurrence) is State.QUEUED
    with pytest.raises(Conflict, match="has ended already: cancelled"):
        house.steering.cancel_task(str(first.id), by="ann")
    house.steering.cancel_task(str(second.id), by="ann")
    assert state_of(house, occurrence) is State.CANCELLED
    with pytest.raises(NotFound, match="there is no task"):
        house.steering.cancel_task("00000000", by="ann")


def test_cancelled_work_stays_cancelled_whatever_is_delivered_or_restarted(house: House) -> None:
    house.define()
    occurrence = house.trigger()
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    house.steering.cancel(str(occurrence.id), by="ann")
    house.clock.advance(timedelta(hours=30))
    for dispatcher in (house.dispatch, house.dispatcher(), house.dispatcher()):
        dispatcher.tick()
    for _ in range(2):
        outcomes = [house.collect.run(UUID(task), number, lane, worker="w@test") for lane in Lane]
        assert {outcome.verdict for outcome in outcomes} == {Verdict.NOTHING}
    assert house.provider.asked == []
    assert state_of(house, occurrence) is State.CANCELLED


def test_running_work_that_is_cancelled_writes_nothing_and_its_attempt_says_so(house: House) -> None:
    house.define()
    occurrence = house.trigger()
    house.provider.before = lambda _: (
        house.steering.cancel(str(occurrence.id), by="ann") if len(house.provider.asked) == 1 else None
    )
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.CANCELLED
    assert house.reports.holdings() == []
    [(_, [attempt])] = house.reports.occurrence(str(occurrence.id), with_tasks=5).details
    assert attempt.state is State.CANCELLED


def test_cancelling_by_filter_takes_what_is_open_of_it_and_nothing_else(house: House) -> None:
    house.define("DONE")
    house.trigger("DONE")
    work(house)
    house.define("A", tags=["nightly"], schedule={"concurrency": "allow"})
    house.define("B")
    for _ in range(3):
        house.trigger("A")
    house.trigger("B")
    assert house.steering.cancellable(EVERYTHING) == 4
    assert sum(house.steering.cancel_matching(Filter(tag="nightly"), by="ann")) == 3
    assert house.steering.cancellable(EVERYTHING) == 1
    assert sum(house.steering.cancel_matching(Filter(submitter="nobody"), by="ann")) == 0
    assert sum(house.steering.cancel_matching(EVERYTHING, by="ann")) == 1
    assert {report.occurrence.state for report in house.reports.occurrences(job="DONE")} == {State.COMPLETED}


def test_a_filter_for_states_that_cannot_be_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput, match="what is completed cannot be cancelled"):
        house.steering.cancellable(Filter(states=(State.COMPLETED,)))
    with pytest.raises(InvalidInput, match="what is running cannot be tried again"):
        list(house.steering.retry_matching(Filter(states=(State.RUNNING,)), by="ann"))
    with pytest.raises(NotFound, match="there is no job 'NOBODY'"):
        house.steering.retriable(Filter(job="NOBODY"))
