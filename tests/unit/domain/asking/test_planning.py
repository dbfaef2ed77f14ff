"""Planning: which tasks an occurrence has, and which requests a task makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain import ids
from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.novelty import Newest
from stockjobs.domain.asking.planning import TaskPlan, Window, cut, first_window, requests_for, since_newest, tasks_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.periods import Period
from stockjobs.domain.work.jobs import JobSpec, WindowSpec
from stockjobs.domain.work.lanes import Lane, Priority, lane_of

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
DAY = timedelta(days=1)
NO_LIMITS = Limits()
OCCURRENCE = ids.occurrence_id(ids.job_id("closes"), ids.scheduled_key(NOW))

INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
WINDOWS = st.builds(Window, INSTANTS, INSTANTS)
LIMITS = st.builds(
    Limits,
    max_span=st.one_of(st.none(), st.timedeltas(timedelta(days=5), timedelta(days=800))),
    reach_back=st.one_of(st.none(), st.timedeltas(timedelta(days=5), timedelta(days=800))),
)


@given(WINDOWS, LIMITS)
def test_spans_cover_what_is_served_of_a_window_exactly_and_without_overlap(window: Window, limits: Limits) -> None:
    spans = list(cut(window, limits, NOW))
    begin = window.start if limits.reach_back is None else max(window.start, NOW - limits.reach_back)
    if begin >= window.end:
        assert spans == []
        return
    assert (spans[0].start, spans[-1].end) == (begin, window.end)
    assert all(one.end == other.start for one, other in pairwise(spans))


@given(WINDOWS, LIMITS)
def test_no_span_is_empty_too_long_or_too_far_back(window: Window, limits: Limits) -> None:
    for span in cut(window, limits, NOW):
        assert span.start < span.end
        assert limits.max_span is None or span.end - span.start <= limits.max_span
        assert limits.reach_back is None or span.start >= NOW - limits.reach_back


def spec(**fields: Any) -> JobSpec:
    return JobSpec.model_validate({"type": "marketdata", "symbols": ["AAPL", "MSFT", "IBM"], **fields})


def plan(job: JobSpec, limits: Limits = NO_LIMITS, window: WindowSpec | None = None) -> list[TaskPlan]:
    return tasks_of(job, OCCURRENCE, NOW, window=window or job.window, limits=lambda _: limits)


def test_an_incremental_job_has_a_task_a_batch_without_a_window() -> None:
    tasks = plan(spec(batchSize=2))
    assert [task.symbols for task in tasks] == [("AAPL", "MSFT"), ("IBM",)]
    assert {(task.start, task.end, task.about) for task in tasks} == {(None, None, NOW)}


def test_an_incremental_job_due_today_is_realtime() -> None:
    assert {lane_of(task.about, NOW) for task in plan(spec())} == {Lane.REALTIME}


def test_fundamentals_have_no_interval_and_are_asked_for_once() -> None:
    [task] = plan(spec(type="fundamentals", mode="backfill", intervals=["1d", "5m"]), Limits(DAY, DAY))
    assert (task.interval, task.start, task.symbols) == (None, None, ("AAPL", "MSFT", "IBM"))


def test_a_backfill_that_says_nothing_covers_ten_years_up_to_midnight() -> None:
    [task] = plan(spec(mode="backfill"))
    assert (task.start, task.end) == (MIDNIGHT.replace(year=2016), MIDNIGHT)


def test_a_backfill_by_period_ends_at_midnight() -> None:
    [task] = plan(spec(mode="backfill", window={"period": "P1M"}))
    assert (task.start, task.end) == (datetime(2026, 2, 4, tzinfo=UTC), MIDNIGHT)


def test_a_backfill_by_period_ends_where_an_end_is_given() -> None:
    [task] = plan(spec(mode="backfill", window={"period": "P1Y", "end": "2020-02-29"}))
    assert (task.start, task.end) == (datetime(2019, 2, 28, tzinfo=UTC), datetime(2020, 2, 29, tzinfo=UTC))


def test_a_window_that_is_asked_for_takes_the_place_of_the_job_s() -> None:
    asked = WindowSpec.model_validate({"start": "2020-01-01", "end": "2020-02-01"})
    [task] = plan(spec(mode="backfill", window={"period": "P1Y"}), window=asked)
    assert (task.start, task.end) == (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))


def test_a_backfill_up_to_midnight_is_historical() -> None:
    assert {lane_of(task.about, NOW) for task in plan(spec(mode="backfill"))} == {Lane.HISTORICAL}


def test_a_backfill_of_what_the_provider_no_longer_serves_has_no_tasks() -> None:
    job = spec(mode="backfill", window={"start": "2020-01-01", "end": "2020-02-01"})
    assert plan(job, Limits(reach_back=30 * DAY)) == []


def test_tasks_carry_the_job_s_priority() -> None:
    assert {task.priority for task in plan(spec(priority="high"))} == {Priority.HIGH}


JOBS = st.builds(
    lambda count, batch, intervals, mode, days: spec(
        symbols=[f"S{number}" for number in range(count)],
        batchSize=batch,
        intervals=intervals,
        mode=mode,
        window={"period": f"P{days}D"},
    ),
    st.integers(1, 60),
    st.integers(1, 25),
    st.lists(st.sampled_from([word.value for word in Interval]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["incremental", "backfill"]),
    st.integers(1, 400),
)


@given(JOBS, LIMITS)
def test_tasks_cover_every_symbol_interval_and_window_once(job: JobSpec, limits: Limits) -> None:
    covered = [(task.interval, task.start, symbol) for task in plan(job, limits) for symbol in task.symbols]
    windows = {(task.interval, task.start) for task in plan(job, limits)}
    assert len(covered) == len(set(covered)) == len(windows) * len(job.symbols)
    assert {interval for interval, _ in windows} == set(job.intervals)


@given(JOBS, LIMITS)
def test_every_task_has_a_key_and_an_id_of_its_own_that_follow_from_its_context(job: JobSpec, limits: Limits) -> None:
    tasks = plan(job, limits)
    assert len({task.key for task in tasks}) == len({task.id for task in tasks}) == len(tasks)
    assert all(task.id == ids.task_id(OCCURRENCE, task.key) for task in tasks)
    assert plan(job, limits) == tasks


@given(JOBS, LIMITS)
def test_no_task_is_larger_than_a_batch_or_empty(job: JobSpec, limits: Limits) -> None:
    assert all(1 <= len(task.symbols) <= job.batch_size for task in plan(job, limits))


def asked(window: Window, limits: Limits = NO_LIMITS) -> list[tuple[datetime, datetime]]:
    requests = requests_for("AAPL", Interval.M1, window, limits, now=NOW)
    return [(request.start, request.end) for request in requests]


@given(WINDOWS, LIMITS)
def test_requests_are_the_spans_of_a_window(window: Window, limits: Limits) -> None:
    assert asked(window, limits) == [(span.start, span.end) for span in cut(window, limits, NOW)]


def test_what_is_new_is_asked_for_from_a_few_stored_bars_before_the_newest() -> None:
    newest = Newest(NOW - DAY, overlap_at=NOW - 8 * DAY)
    assert since_newest(newest, Interval.D1, NO_LIMITS, NOW) == Window(NOW - 8 * DAY, NOW)


@given(st.timedeltas(timedelta(0), timedelta(days=90)), st.timedeltas(timedelta(0), timedelta(days=30)), LIMITS)
def test_an_overlap_never_costs_a_second_request(age: timedelta, before: timedelta, limits: Limits) -> None:
    newest = Newest(NOW - age, overlap_at=NOW - age - before)
    window = since_newest(newest, Interval.M1, limits, NOW)
    assert window.start <= newest.at
    if limits.max_span is None or age <= limits.max_span:
        assert len(asked(window, limits)) <= 1


@pytest.mark.parametrize(("interval", "days"), [(Interval.D1, 366), (Interval.M5, 5), (Interval.MO1, 366)])
def test_the_first_run_goes_back_a_year_or_five_days_when_nobody_says(interval: Interval, days: int) -> None:
    assert first_window(interval, None, NOW) == Window(NOW - days * DAY, NOW)


def test_the_first_run_goes_back_as_far_as_the_job_says() -> None:
    assert first_window(Interval.D1, Period(1, timedelta(0)), NOW).start == datetime(2026, 2, 4, 12, tzinfo=UTC)


def test_a_long_absence_is_asked_for_in_several_requests_as_far_as_it_is_served() -> None:
    limits = Limits(7 * DAY, 29 * DAY)
    found = asked(since_newest(Newest(NOW - 100 * DAY), Interval.M1, limits, NOW), limits)
    assert found[0][0] == NOW - 29 * DAY
    assert found[-1][1] == NOW
    assert len(found) == 5


def test_a_newest_bar_in_the_far_future_leaves_nothing_to_ask_for() -> None:
    assert asked(since_newest(Newest(NOW + 30 * DAY), Interval.M1, NO_LIMITS, NOW)) == []
