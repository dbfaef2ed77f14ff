"""What is asked for: now, for later, after other work; and the concurrency policies when several ask at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.work.jobs import OnFailure
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import OPEN, State
from stockjobs.errors import Conflict, InvalidInput, NotFound, SymbolUnknown
from stockjobs.services.work import instances
from stockjobs.services.work.requests import Timing
from tests.fixtures.house import House, spec
from tests.integration.services.work.test_races import at_once

pytestmark = pytest.mark.integration

S = State
TEN_MINUTES = timedelta(minutes=10)


def state_of(house: House, occurrence: object) -> State:
    return house.reports.occurrence(str(occurrence)).state


def work(house: House) -> None:
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    house.dispatch.tick()


def told(house: House, occurrence: object) -> list[EventName]:
    return [event.name for event in house.feed.after(0, house.feed.filter(occurrence=str(occurrence)))]


def test_a_later_start_is_scheduled_until_its_time_and_then_queued(house: House) -> None:
    house.define()
    one = house.trigger(start_after=house.clock.now + TEN_MINUTES)
    house.dispatch.tick()
    assert (one.state, one.scheduled_for) == (S.SCHEDULED, house.clock.now)
    assert house.knocks(Lane.REALTIME) == []
    house.clock.advance(TEN_MINUTES)
    house.dispatch.tick()
    assert state_of(house, one.id) is S.QUEUED
    assert len(house.knocks(Lane.REALTIME)) == 1
    assert told(house, one.id) == [EventName.SCHEDULED, EventName.QUEUED]
    work(house)
    assert state_of(house, one.id) is S.COMPLETED


def test_the_lane_follows_the_scheduled_time_and_not_the_later_start(house: House) -> None:
    house.define(schedule={"concurrency": "allow"})
    tomorrow = house.clock.now + timedelta(days=1)
    about_then = house.trigger(scheduled_at=tomorrow)
    about_now = house.trigger(start_after=tomorrow)
    about_before = house.trigger(scheduled_at=house.clock.now - timedelta(days=1))
    assert (about_then.state, about_now.state, about_before.state) == (S.SCHEDULED, S.SCHEDULED, S.QUEUED)
    house.clock.now = tomorrow
    lanes = {task.occurrence_id: task.lane(house.clock.now) for task in house.tasks()}
    assert lanes == {
        about_then.id: Lane.REALTIME,
        about_now.id: Lane.HISTORICAL,
        about_before.id: Lane.HISTORICAL,
    }


def test_of_two_times_the_later_one_counts(house: House) -> None:
    house.define()
    at, after = house.clock.now + TEN_MINUTES, house.clock.now + 2 * TEN_MINUTES
    one = house.trigger(scheduled_at=at, start_after=after)
    assert (one.scheduled_for, one.start_after) == (at, after)


@pytest.mark.parametrize("attempt", range(3))
def test_many_that_start_at_one_time_are_queued_once_by_beats_at_once(house: House, attempt: int) -> None:
    house.define(schedule={"concurrency": "allow"})
    at = house.clock.now + TEN_MINUTES
    many = [house.trigger(start_after=at).id for _ in range(20)]
    house.clock.advance(TEN_MINUTES)
    answers = at_once(*[house.dispatcher().recovery.promote for _ in range(3)])
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    house.dispatch.tick()
    assert {state_of(house, one) for one in many} == {S.QUEUED}
    assert all(told(house, one) == [EventName.SCHEDULED, EventName.QUEUED] for one in many[:5])


def test_work_after_several_starts_when_the_last_has_completed(house: House) -> None:
    first, second = (house.requests.submit(spec(symbols=[name]), submitter="test") for name in ("AAPL", "MSFT"))
    timing = Timing(after=(str(first.id), str(second.id)[:8]))
    third = house.requests.submit(spec(symbols=["NVDA"]), submitter="test", timing=timing)
    house.dispatch.tick()
    (task, number), (other, its_number) = house.knocks(Lane.REALTIME)
    house.collect.run(UUID(task), number, Lane.REALTIME, worker="w@test")
    house.dispatch.tick()
    assert state_of(house, third.id) is S.SCHEDULED
    house.collect.run(UUID(other), its_number, Lane.REALTIME, worker="w@test")
    house.dispatch.tick()
    assert state_of(house, third.id) is S.QUEUED


def test_a_later_start_holds_also_when_the_others_have_completed(house: House) -> None:
    house.define("BASE")
    first = house.trigger("BASE")
    start = house.clock.now + TEN_MINUTES
    timing = Timing(start_after=start, after=(str(first.id),))
    second = house.requests.submit(spec(symbols=["NVDA"]), submitter="test", timing=timing)
    work(house)
    assert state_of(house, second.id) is S.SCHEDULED
    assert [(task.state, task.run_at) for task in house.tasks() if task.occurrence_id == second.id] == [
        (S.SCHEDULED, start)
    ]
    house.clock.advance(TEN_MINUTES)
    house.dispatch.tick()
    assert state_of(house, second.id) is S.QUEUED


def test_a_time_that_has_passed_while_it_waited_for_others_is_no_start(house: House) -> None:
    house.define("BASE")
    first = house.trigger("BASE")
    timing = Timing(start_after=house.clock.now + TEN_MINUTES, after=(str(first.id),))
    second = house.requests.submit(spec(symbols=["NVDA"]), submitter="test", timing=timing)
    house.clock.advance(2 * TEN_MINUTES)
    house.dispatch.recovery.promote()
    assert state_of(house, second.id) is S.SCHEDULED
    work(house)
    assert state_of(house, second.id) is S.QUEUED


@pytest.mark.parametrize(
    ("policy", "state"), [(OnFailure.SKIP, S.SKIPPED), (OnFailure.FAIL, S.FAILED), (OnFailure.RUN, S.QUEUED)]
)
def test_what_failed_long_ago_decides_at_once(house: House, policy: OnFailure, state: State) -> None:
    house.define("BASE", retry={"maxRetries": 0})
    house.provider.errors["AAPL"] = [SymbolUnknown("nobody knows it")]
    first = house.trigger("BASE")
    work(house)
    timing = Timing(after=(str(first.id),), on_failure=policy)
    assert house.requests.submit(spec(symbols=["NVDA"]), submitter="test", timing=timing).state is state


def test_what_cannot_be_waited_for_makes_no_job(house: House) -> None:
    with pytest.raises(NotFound):
        house.requests.submit(spec(), submitter="test", timing=Timing(after=("0123abcd",)))
    with pytest.raises(InvalidInput, match="start_after"):
        house.requests.submit(spec(), submitter="test", timing=Timing(start_after=house.clock.now.replace(year=2300)))
    assert house.reports.jobs() == []


def test_a_beat_that_dies_while_it_starts_one_leaves_all_as_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.define("BASE")
    first = house.trigger("BASE")
    second = house.requests.submit(spec(symbols=["NVDA"]), submitter="test", timing=Timing(after=(str(first.id),)))
    house.dispatch.tick()
    house.work(Lane.REALTIME)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(instances.events, "append", die)
        with pytest.raises(KeyboardInterrupt):
            house.dispatch.waiting.resolve()
    assert state_of(house, second.id) is S.SCHEDULED
    assert [task for task in house.tasks() if task.occurrence_id == second.id] == []
    house.dispatch.tick()
    assert state_of(house, second.id) is S.QUEUED


def _later(house: House) -> Timing:
    return Timing(start_after=house.clock.now + TEN_MINUTES)


@pytest.mark.parametrize("when", [lambda _: Timing(), _later])
@pytest.mark.parametrize("attempt", range(3))
def test_of_several_asked_at_once_the_last_replaces_the_others(
    house: House, attempt: int, when: Callable[[House], Timing]
) -> None:
    house.define(schedule={"concurrency": "replace"})
    timing = when(house)
    ask = lambda: house.trigger(start_after=timing.start_after)  # noqa: E731
    answers = at_once(*[ask] * 4)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    states = [report.state for report in house.reports.occurrences()]
    assert (len([one for one in states if one in OPEN]), states.count(S.CANCELLED)) == (1, 3)
    assert len([task for task in house.tasks() if task.state in OPEN]) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_replacing_one_whose_time_has_just_come_leaves_no_task_of_it(house: House, attempt: int) -> None:
    house.define(schedule={"concurrency": "replace"}, symbols=["AAPL", "MSFT"], batchSize=1)
    old = house.trigger(start_after=house.clock.now + TEN_MINUTES)
    house.clock.advance(TEN_MINUTES)
    answers = at_once(house.trigger, house.dispatcher().recovery.promote, house.dispatcher().tick)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert state_of(house, old.id) is S.CANCELLED
    assert {task.state for task in house.tasks() if task.occurrence_id == old.id} == {S.CANCELLED}
    house.dispatch.tick()
    assert {task.state for task in house.tasks() if task.occurrence_id != old.id} == {S.QUEUED}


@pytest.mark.parametrize("attempt", range(3))
def test_one_that_waits_for_its_time_keeps_others_out_where_overlap_is_forbidden(house: House, attempt: int) -> None:
    house.define()
    answers = at_once(*[lambda: house.trigger(start_after=house.clock.now + TEN_MINUTES)] * 3)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 2


def test_any_number_run_beside_each_other_where_overlap_is_allowed(house: House) -> None:
    house.define(schedule={"concurrency": "allow"})
    answers = at_once(*[house.trigger] * 4)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert [report.state for report in house.reports.occurrences()] == [S.QUEUED] * 4
