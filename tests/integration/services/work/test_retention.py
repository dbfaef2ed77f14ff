"""Old history goes, a little at a time, and nothing else does; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from stockjobs.domain import ids
from stockjobs.domain.events import EventName
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retention import Expired, Retention
from stockjobs.domain.work.states import State
from stockjobs.errors import Conflict, NotFound, SymbolUnknown
from stockjobs.services.work.maintenance import Maintenance, Pace
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import retention
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.ledger.retention import Removed
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

MONTH, QUARTER = parse_period("P30D"), parse_period("P90D")
POLICY = Retention(MONTH, QUARTER)
HISTORY = ("occurrences", "tasks", "attempts", "events")


@pytest.fixture
def maintenance(house: House) -> Maintenance:
    return Maintenance(house.database, POLICY)


def prune(maintenance: Maintenance, policy: Retention | None = None, **which: object) -> Removed:
    total = Removed()
    for removed in maintenance.prune(policy, by="test", **which):  # type: ignore[arg-type]
        total += removed
    return total


def collect(house: House, name: str = "DAILY") -> Occurrence:
    house.clock.advance(timedelta(seconds=1))
    occurrence = house.trigger(name)
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    return occurrence


def left(house: House) -> dict[str, int]:
    with house.database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(tables.metadata.tables[name])).scalar_one()
            for name in (*HISTORY, "bars", "findings", "job_versions")
        }


def test_what_ended_long_ago_goes_with_all_that_belongs_to_it_and_data_and_audit_stay(
    house: House, maintenance: Maintenance
) -> None:
    house.define()
    old = collect(house)
    house.clock.advance(timedelta(days=31))
    new = collect(house)
    before = left(house)
    assert maintenance.prunable() == {State.COMPLETED: 1}
    assert prune(maintenance) == Removed(1, 1, 4)
    after = left(house)
    assert {name: before[name] - after[name] for name in HISTORY} == {
        "occurrences": 1,
        "tasks": 1,
        "attempts": 1,
        "events": 3,  # four went, one came that tells of it
    }
    assert {name: after[name] for name in ("bars", "findings", "job_versions")} == {
        name: before[name] for name in ("bars", "findings", "job_versions")
    }
    with pytest.raises(NotFound):
        house.reports.occurrence(str(old.id))
    assert house.reports.occurrence(str(new.id)).occurrence.state is State.COMPLETED
    assert EventName.CREATED in [event.name for event in house.feed.last(50)]
    assert prune(maintenance) == Removed()


def test_failures_are_kept_longer(house: House, maintenance: Maintenance) -> None:
    house.define(retry={"maxRetries": 0})
    house.provider.errors["MSFT"] = [SymbolUnknown("gone")]
    failed = collect(house)
    collect(house)
    house.clock.advance(timedelta(days=31))
    assert prune(maintenance).occurrences == 0
    house.clock.advance(timedelta(days=60))
    assert prune(maintenance).occurrences == 1
    with pytest.raises(NotFound):
        house.reports.occurrence(str(failed.id))


def test_a_jobs_newest_occurrence_stays_and_so_does_what_is_open(house: House, maintenance: Maintenance) -> None:
    house.define(schedule={"concurrency": "allow"})
    waiting = house.trigger()
    house.clock.advance(timedelta(seconds=1))
    newest = house.trigger()
    house.steering.cancel(str(newest.id), by="test")
    house.clock.advance(timedelta(days=400))
    assert prune(maintenance) == Removed()
    assert {report.occurrence.id for report in house.reports.occurrences()} == {waiting.id, newest.id}


def test_what_an_occurrence_still_waits_for_stays(house: House, maintenance: Maintenance) -> None:
    house.define("FIRST")
    first = collect(house, "FIRST")
    collect(house, "FIRST")
    house.define("SECOND")
    second = house.trigger("SECOND")
    waits = {"occurrence_id": second.id, "number": 1, "on_job_id": first.job_id, "on_occurrence_id": first.id}
    with house.database.begin() as connection:
        connection.execute(insert(tables.occurrence_dependencies).values(**waits, on_failure="skip", state="waiting"))
    house.clock.advance(timedelta(days=31))
    assert prune(maintenance).occurrences == 0
    with house.database.begin() as connection:
        connection.execute(tables.occurrence_dependencies.update().values(state="met"))
    assert prune(maintenance).occurrences == 1


def test_no_more_than_so_many_of_each_job_and_state_are_kept(house: House) -> None:
    house.define("A")
    house.define("B")
    made = {name: [] for name in "AB"}  # type: ignore[var-annotated]
    for name in "AAAAABB":
        made[name].append(collect(house, name).id)
    maintenance = Maintenance(house.database, Retention(None, None, at_most=3))
    assert maintenance.prunable() == {State.COMPLETED: 2}
    assert prune(maintenance).occurrences == 2
    kept = {report.occurrence.id for report in house.reports.occurrences()}
    assert kept == {*made["A"][2:], *made["B"]}


def test_of_each_state_the_newest_are_kept_however_rare_it_is(house: House) -> None:
    crowd(house.database, house, 2_500)
    old = tables.occurrences.c.created_at < house.clock.now - timedelta(days=364, hours=23, minutes=59, seconds=55)
    with house.database.begin() as connection:
        connection.execute(tables.occurrences.update().where(old).values(state="failed"))
    maintenance = Maintenance(house.database, Retention(None, None, at_most=3))
    steps = list(maintenance.prune(by="test"))
    assert sum(step.occurrences for step in steps) == 2_500 - 2 * 3
    states = [report.occurrence.state for report in house.reports.occurrences()]
    assert states == 3 * [State.COMPLETED] + 3 * [State.FAILED]


def test_by_hand_one_job_or_one_state_is_pruned(house: House, maintenance: Maintenance) -> None:
    for name in ("A", "B"):
        house.define(name)
        collect(house, name)
        collect(house, name)
    house.clock.advance(timedelta(days=2))
    day = parse_period("P1D")
    policy = Retention(day, day)
    assert prune(maintenance, policy, states=[State.FAILED]).occurrences == 0
    assert prune(maintenance, policy, job="A").occurrences == 1
    assert maintenance.prunable(policy) == {State.COMPLETED: 1}
    with pytest.raises(NotFound):
        prune(maintenance, policy, job="NOBODY")


def test_a_large_occurrence_goes_in_several_transactions(house: House, maintenance: Maintenance) -> None:
    house.define(symbols=[f"SIM{number:04d}" for number in range(900)], batchSize=1)
    large = house.trigger()
    house.steering.cancel(str(large.id), by="test")
    house.clock.advance(timedelta(seconds=1))
    house.trigger()
    house.clock.advance(timedelta(days=31))
    steps = list(maintenance.prune(by="test"))
    assert len(steps) > 1
    assert [step.occurrences for step in steps if step.occurrences] == [1]
    assert sum(step.tasks for step in steps) == 900


def test_what_is_half_removed_is_not_tried_again(house: House) -> None:
    house.define(symbols=[f"SIM{number:04d}" for number in range(30)], batchSize=1, schedule={"concurrency": "allow"})
    large = house.trigger()
    with house.database.begin() as connection:
        for table in (tables.tasks, tables.occurrences):
            connection.execute(table.update().values(state="failed", finished_at=house.clock.now))
    house.clock.advance(timedelta(seconds=1))
    house.trigger()
    expired = Expired(State.FAILED, finished_before=house.clock.now)
    with house.database.begin() as connection:
        removed = retention.remove(connection, expired, [large.id], house.clock.now, rows=10)
    assert removed == Removed(0, 10, 1, is_all=False)
    task = next(task for task in house.tasks() if task.occurrence_id == large.id)
    with pytest.raises(Conflict, match=r"is being removed.*trigger its job again"):
        house.steering.retry(str(large.id), by="test")
    with pytest.raises(Conflict, match="is being removed"):
        house.steering.retry_task(str(task.id), by="test")
    house.clock.advance(timedelta(days=400))
    assert prune(Maintenance(house.database, POLICY)).occurrences == 1


def test_many_at_once_remove_each_occurrence_once(house: House) -> None:
    crowd(house.database, house, 2_000)
    totals: list[Removed] = []

    def work() -> None:
        totals.append(prune(Maintenance(house.database, POLICY)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(total.occurrences for total in totals) + prune(Maintenance(house.database, POLICY)).occurrences == 1_999
    assert len(house.reports.occurrences(limit=10)) == 1


def test_a_beat_removes_a_little_at_each_step_until_it_has_seen_all(house: House) -> None:
    crowd(house.database, house, 1_000)
    maintenance = Maintenance(house.database, POLICY, Pace(idle=timedelta(0), busy=timedelta(0)))
    steps = list(_steps(maintenance))
    assert len(steps) > 3
    assert steps[-1] is not None
    assert steps[-1].occurrences == 999
    assert maintenance.step(is_busy=False).wait > timedelta(minutes=9)


def _steps(maintenance: Maintenance) -> Iterator[Removed | None]:
    while True:
        step = maintenance.step(is_busy=False)
        yield step.swept
        if step.swept is not None:
            return


def test_a_subscriber_that_was_away_for_too_long_is_told_so(house: House, maintenance: Maintenance) -> None:
    house.define()
    cursor = house.feed.newest()
    collect(house)
    seen = house.feed.newest()
    collect(house)
    up_to_date = house.feed.newest()
    house.clock.advance(timedelta(days=31))
    prune(maintenance)
    [told, *rest] = house.feed.after(cursor)
    assert (told.name, told.id, told.data) == (EventName.REMOVED, cursor, {"up_to": seen})
    assert [event.name.removeprefix("job.") for event in rest] == [
        *("queued", "started", "progress", "completed"),
        "history.pruned",
    ]
    assert [event.name for event in house.feed.after(seen)] == [event.name for event in rest]
    assert [event.name for event in house.feed.after(up_to_date)] == [EventName.PRUNED]


def crowd(database: Database, house: House, number: int) -> None:
    """So many completed occurrences of one job, a year old, each with a task and an event."""
    house.define("CROWD")
    job, then = ids.job_id("CROWD"), house.clock.now - timedelta(days=365)
    identities = [uuid4() for _ in range(number)]
    times = [then + timedelta(seconds=place) for place in range(number)]
    common = {"job_id": job, "state": "completed"}
    with database.begin() as connection:
        connection.execute(
            insert(tables.occurrences),
            [
                {
                    **common,
                    "id": identity,
                    "version": 1,
                    "key": str(identity),
                    "scheduled_for": at,
                    "submitter": "test",
                    "created_at": at,
                    "finished_at": at,
                }
                for identity, at in zip(identities, times, strict=True)
            ],
        )
        connection.execute(
            insert(tables.tasks),
            [
                {
                    **common,
                    "id": uuid4(),
                    "occurrence_id": identity,
                    "provider": "yahoo",
                    "key": "k",
                    "symbols": ["A"],
                    "about": at,
                    "priority": 5,
                    "run_at": at,
                    "number": 1,
                    "failures": 0,
                    "deferrals": 0,
                    "crashes": 0,
                    "created_at": at,
                }
                for identity, at in zip(identities, times, strict=True)
            ],
        )
        connection.execute(
            insert(tables.events),
            [
                {"at": at, "name": "job.completed", "job_id": job, "occurrence_id": identity, "data": {}}
                for identity, at in zip(identities, times, strict=True)
            ],
        )
