"""Statistics on both databases: by filter, in all and for each job."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert

from stockjobs.domain import ids
from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import NotFound
from stockjobs.services.work.statistics import StatisticsService
from stockjobs.store import tables
from tests.fixtures.database import NOON
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


@pytest.fixture
def statistics(house: House) -> StatisticsService:
    house.define("A", tags=["nightly", "us"])
    house.define("B", tags=["us"])
    write(house, "A", "completed", NOON, ms=1_000, symbols=2, rows_written=10)
    write(house, "A", "completed", NOON - timedelta(days=1), ms=3_000, symbols=2, rows_written=5)
    write(house, "A", "failed", NOON - timedelta(days=2), ms=500, symbols=1, rows_written=1)
    write(house, "A", "skipped", NOON - timedelta(days=3), submitter="schedule")
    write(house, "A", "queued", NOON)
    write(house, "B", "timeout", NOON - timedelta(days=8), ms=9_000)
    return StatisticsService(house.database)


def write(house: House, job: str, state: str, at: datetime, *, ms: int = 0, **values: object) -> None:
    """An occurrence in a state, that ran for so long if it ran."""
    identity = uuid4()
    times: dict[str, object] = {"started_at": None, "finished_at": None if state == "queued" else at}
    if ms:
        times = {"started_at": at, "finished_at": at + timedelta(milliseconds=ms)}
    row = {"submitter": "ann", **values, **times, "id": identity, "job_id": ids.job_id(job), "version": 1}
    with house.database.begin() as connection:
        connection.execute(
            insert(tables.occurrences),
            [{**row, "key": str(identity), "scheduled_for": at, "state": state, "created_at": at}],
        )


def test_counts_rate_durations_rows_and_the_period_are_those_of_the_occurrences(statistics: StatisticsService) -> None:
    total = statistics.of(Filter(job="A")).total
    assert total.counts == {State.QUEUED: 1, State.COMPLETED: 2, State.FAILED: 1, State.SKIPPED: 1}
    assert (total.count, total.succeeded, total.failed) == (5, 2, 1)
    assert total.success_rate == pytest.approx(2 / 3)
    assert total.mean_ms == pytest.approx(1_500, abs=0.5)
    assert total.longest_ms == pytest.approx(3_000, abs=0.5)
    assert (total.symbols, total.rows_written) == (5, 16)
    assert (total.first_at, total.last_at) == (NOON - timedelta(days=3), NOON)


def test_each_job_has_its_own_and_the_busiest_comes_first(statistics: StatisticsService) -> None:
    report = statistics.of()
    assert [(one.job, one.count) for one in report.jobs] == [("A", 5), ("B", 1)]
    assert report.total.count == 6
    assert report.jobs[1].success_rate == 0
    assert [one.job for one in statistics.of(jobs=1).jobs] == ["A"]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (EVERYTHING, 6),
        (Filter(tag="nightly"), 5),
        (Filter(tag="us"), 6),
        (Filter(tag="none"), 0),
        (Filter(states=(State.FAILED, State.TIMEOUT)), 2),
        (Filter(since=NOON - timedelta(days=2)), 4),
        (Filter(before=NOON), 4),
        (Filter(since=NOON - timedelta(days=2), before=NOON), 2),
        (Filter(submitter="schedule"), 1),
        (Filter(job="A", states=(State.TIMEOUT,)), 0),
    ],
)
def test_a_filter_leaves_out_the_others(statistics: StatisticsService, wanted: Filter, count: int) -> None:
    assert statistics.of(wanted).total.count == count


def test_of_nothing_there_is_no_rate_and_no_duration(statistics: StatisticsService) -> None:
    total = statistics.of(Filter(tag="none")).total
    assert (total.counts, total.success_rate, total.mean_ms, total.first_at) == ({}, None, None, None)
    with pytest.raises(NotFound):
        statistics.of(Filter(job="NOBODY"))


def test_a_lane_is_the_one_that_work_ran_in_or_waits_in(house: House) -> None:
    house.define("NOW")
    house.define("PAST", mode="backfill", window={"start": "2026-01-01", "end": "2026-02-01"})
    for name in ("NOW", "PAST"):
        house.trigger(name)
    statistics = StatisticsService(house.database)
    assert [one.job for one in statistics.of(Filter(lane=Lane.HISTORICAL)).jobs] == ["PAST"]
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    house.clock.advance(timedelta(days=3))
    assert [one.job for one in statistics.of(Filter(lane=Lane.REALTIME)).jobs] == ["NOW"]
    assert [one.job for one in statistics.of(Filter(lane=Lane.HISTORICAL)).jobs] == ["PAST"]


def test_labels_are_those_of_the_version_that_ran(house: House) -> None:
    house.define("A")
    house.trigger("A")
    statistics = StatisticsService(house.database)
    assert statistics.of(Filter(labels={"desk": "rates"})).total.count == 0
    with house.database.begin() as connection:
        connection.execute(tables.job_versions.update().values(labels={"desk": "rates", "odd 'key\"": "x"}))
    assert statistics.of(Filter(labels={"desk": "rates"})).total.count == 1
    assert statistics.of(Filter(labels={"desk": "rates", "odd 'key\"": "x"})).total.count == 1
    assert statistics.of(Filter(labels={"desk": "credit"})).total.count == 0


def test_the_load_counts_what_waits_and_runs(house: House) -> None:
    house.define(batchSize=1)
    house.trigger()
    load = StatisticsService(house.database).load()
    assert (load.workers, load.slots, load.running, load.waiting) == (0, 0, 0, 2)
