"""What happens between two transactions: the same deed done at once by several, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import Conflict, SymbolUnknown
from stockjobs.services.work.administration import Change
from stockjobs.services.work.firing import Fired
from stockjobs.store import tables
from stockjobs.store.ledger import claims, events
from tests.fixtures.database import NOON
from tests.fixtures.house import House, manifest, spec

pytestmark = pytest.mark.integration

T = TypeVar("T")


def at_once(*deeds: Callable[[], T]) -> list[T | Exception]:
    """Do deeds in as many threads, begun together; an error is an answer."""
    barrier = threading.Barrier(len(deeds))

    def do(deed: Callable[[], T]) -> T | Exception:
        barrier.wait()
        try:
            return deed()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_triggers_at_once_one_is_refused_where_overlap_is_forbidden(house: House, attempt: int) -> None:
    house.define()
    answers = at_once(*[house.trigger] * 3)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 2
    assert len(house.reports.occurrences()) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_a_failed_task_is_tried_again_while_the_last_other_one_ends(house: House, attempt: int) -> None:
    house.define(retry={"maxRetries": 0}, symbols=["AAPL"], intervals=["1d", "1h"])
    occurrence = house.trigger()
    house.dispatch.tick()
    (failing, number), (other, _) = house.knocks(Lane.REALTIME)
    house.purge(Lane.REALTIME)
    house.provider.errors["AAPL"] = [SymbolUnknown("no such symbol")]
    house.collect.run(UUID(failing), number, Lane.REALTIME, worker="w@test")
    at_once(
        lambda: house.steering.retry_task(failing, by="test").tasks,
        lambda: house.collect.run(UUID(other), 1, Lane.REALTIME, worker="v@test").verdict,
    )
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    assert house.reports.occurrence(str(occurrence.id)).occurrence.state is State.COMPLETED


def test_beats_and_changes_at_once_of_jobs_that_wait_for_each_other_never_wait_in_a_circle(house: House) -> None:
    every_five = {"cron": "*/5 * * * *", "concurrency": "allow"}
    names = [f"J{number:02}" for number in range(30)]
    # Later names wait for earlier ones and the other way round, so that no order of names is the order of the waiting.
    order = names[::2] + names[1::2][::-1]

    def all_of(text: str) -> list[Manifest]:
        return [
            manifest(
                name,
                schedule=every_five,
                description=text,
                dependsOn=[{"job": other} for other in order[max(place - 2, 0) : place]],
            )
            for place, name in enumerate(order)
        ]

    house.administration.apply(all_of("first"), by="test")
    for number in range(8):
        house.clock.advance(timedelta(minutes=5))
        answers = at_once(
            house.dispatcher().fire,
            house.dispatcher().fire,
            lambda number=number: house.administration.apply(all_of(str(number)), by="test"),  # type: ignore[misc]
        )
        assert not [answer for answer in answers if isinstance(answer, Exception)]


@pytest.mark.parametrize("attempt", range(5))
def test_the_same_request_made_at_once_is_the_same_occurrence(house: House, attempt: int) -> None:
    house.define()
    answers = at_once(*[lambda: house.trigger(key="one").id] * 4)
    assert len(set(answers)) == 1
    assert not isinstance(answers[0], Exception)


@pytest.mark.parametrize("attempt", range(5))
def test_the_same_work_submitted_at_once_by_several_is_done_for_each(house: House, attempt: int) -> None:
    answers = at_once(*[lambda: house.requests.submit(spec(), submitter="test").id] * 3)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert len(set(answers)) == 3


@pytest.mark.parametrize("attempt", range(5))
def test_the_same_jobs_applied_at_once_are_created_once(house: House, attempt: int) -> None:
    jobs = [manifest(f"J{number}") for number in range(10)]
    orders = [jobs, jobs[::-1], jobs]
    answers = at_once(*[lambda order=order: house.administration.apply(order, by="test") for order in orders])  # type: ignore[misc]
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    changes = [applied.change for answer in answers if not isinstance(answer, Exception) for applied in answer]
    assert changes.count(Change.CREATED) == 10
    assert changes.count(Change.UNCHANGED) == 20


def test_beats_at_once_make_one_occurrence_of_each_of_many_due_jobs(house: House) -> None:
    house.administration.apply(
        [manifest(f"J{number}", schedule={"cron": "*/5 * * * *"}) for number in range(40)], by="test"
    )
    house.clock.advance(timedelta(minutes=5))
    ticks = at_once(*[house.dispatcher().fire for _ in range(3)])
    ticks.append(house.dispatch.fire())
    assert sum(tick.occurrences for tick in ticks if isinstance(tick, Fired)) == 40
    assert len(house.reports.occurrences(limit=100)) == 40


def test_beats_at_once_take_each_dead_workers_task_back_once(house: House) -> None:
    for number in range(6):
        house.define(f"J{number}", symbols=[f"SIM{n:04d}" for n in range(10)], batchSize=1)
        house.trigger(f"J{number}")
    house.dispatch.tick()
    with house.database.begin() as connection:
        for task in house.tasks():
            assert claims.claim(
                connection, task.id, 1, Lane.REALTIME, worker="dead", now=house.clock.now, lease=timedelta(seconds=30)
            )
    house.clock.advance(timedelta(seconds=31))
    taken = at_once(*[house.dispatcher().recovery.take_back for _ in range(3)])
    assert [answer for answer in taken if isinstance(answer, Exception)] == []
    assert sum(answer for answer in taken if isinstance(answer, int)) + house.dispatch.recovery.take_back() == 60
    assert {task.crashes for task in house.tasks()} == {1}


def test_an_edit_while_a_job_comes_due_repeats_and_loses_nothing(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *", "concurrency": "replace"})
    house.clock.advance(timedelta(minutes=5))
    edited = manifest(description="edited", schedule={"cron": "*/5 * * * *", "concurrency": "replace"})
    at_once(house.dispatch.fire, lambda: house.administration.apply([edited], by="test"))
    house.dispatch.fire()
    [report] = house.reports.occurrences()
    assert report.occurrence.state is State.QUEUED


@pytest.mark.parametrize("attempt", range(5))
def test_a_schedule_changed_at_the_moment_of_a_due_time_fires_it_once_as_it_was(house: House, attempt: int) -> None:
    house.define(schedule={"cron": "*/5 * * * *", "concurrency": "allow"})
    house.clock.advance(timedelta(minutes=5))
    reschedule = house.administration.reschedule
    fire = [house.dispatcher().fire, house.dispatcher().fire]
    answers = at_once(fire[0], lambda: reschedule("DAILY", {"cron": "*/7 * * * *"}, by="test"), fire[1])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    [report] = house.reports.occurrences()
    assert (report.occurrence.version, report.occurrence.scheduled_for) == (1, house.clock.now)
    house.clock.advance(timedelta(minutes=2))
    assert house.dispatch.fire().occurrences == 1


@pytest.mark.parametrize("attempt", range(5))
def test_a_job_paused_at_the_moment_it_is_offered_leaves_nothing_to_claim(house: House, attempt: int) -> None:
    house.define(symbols=[f"SIM{n:02d}" for n in range(20)], batchSize=1)
    house.trigger()
    at_once(house.dispatch.tick, lambda: house.administration.pause("DAILY", by="test"), house.dispatcher().tick)
    house.dispatch.tick()
    assert {outcome.verdict for outcome in house.work(Lane.REALTIME)} <= {"nothing"}
    assert {task.state for task in house.tasks()} == {State.QUEUED}


def test_an_event_that_commits_late_is_not_passed_over(house: House) -> None:
    if not house.database.is_postgresql:
        # SQLite has one writer at a time: nothing can commit late.
        assert _told(house, 0) == []
        return
    early, late = Event(EventName.CREATED, NOON, data={"n": 1}), Event(EventName.CREATED, NOON, data={"n": 2})
    with house.database.begin() as slow:
        events.append(slow, late)
        with house.database.begin() as fast:
            events.append(fast, early)
        assert _told(house, 0) == []
    assert [event.data["n"] for event in _told(house, 0)] == [2, 1]
    [first, second] = _told(house, 0)
    assert [event.id for event in _told(house, first.id)] == [second.id]


def _told(house: House, cursor: int) -> list[Event]:
    with house.database.read() as connection:
        return list(events.after(connection, cursor))


def test_a_job_that_cannot_be_read_keeps_no_other_from_coming_due(house: House) -> None:
    house.define("BROKEN", schedule={"cron": "*/5 * * * *"})
    house.define("FINE", schedule={"cron": "*/5 * * * *"})
    with house.database.begin() as connection:
        job = connection.execute(text("SELECT id FROM jobs WHERE name = 'BROKEN'")).scalar_one()
        broken = {"type": "astrology"}
        connection.execute(
            tables.job_versions.update().where(text(f"job_id = '{job}'")).values(spec=broken, digest="broken")
        )
    house.clock.advance(timedelta(minutes=5))
    assert house.dispatch.tick().fired == 1
    assert "cannot be read" in house.firing.unable["BROKEN"].reason


def test_what_a_newer_version_added_to_a_definition_is_passed_over(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *"})
    with house.database.begin() as connection:
        document = connection.execute(tables.job_versions.select()).mappings().one()["spec"]
        connection.execute(tables.job_versions.update().values(spec={**document, "lookahead": "PT1H"}, digest="newer"))
    house.clock.advance(timedelta(minutes=5))
    assert house.dispatch.tick().fired == 1
