"""The lanes: to which one work belongs, and in which order each is worked off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.lanes import Lane, Priority, lane_of, midnight, rank

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
TICK = timedelta(microseconds=1)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))
# A few instants often met, so that equal ones are met too.
CLOSE_INSTANTS = st.one_of(INSTANTS, st.integers(-3, 3).map(lambda ticks: MIDNIGHT + ticks * TICK))
TASKS = st.lists(st.tuples(st.sampled_from(Priority), CLOSE_INSTANTS, CLOSE_INSTANTS), max_size=30)


def test_work_about_today_is_realtime_from_midnight_on() -> None:
    now = MIDNIGHT + timedelta(hours=12)
    assert lane_of(MIDNIGHT, now) is Lane.REALTIME
    assert lane_of(MIDNIGHT - TICK, now) is Lane.HISTORICAL
    assert lane_of(now + timedelta(days=3), now) is Lane.REALTIME


def test_work_moves_to_historical_at_utc_midnight_by_itself() -> None:
    about = MIDNIGHT - timedelta(hours=1)
    assert lane_of(about, MIDNIGHT - TICK) is Lane.REALTIME
    assert lane_of(about, MIDNIGHT) is Lane.HISTORICAL


def test_the_day_is_that_of_utc_wherever_the_node_is() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert midnight(datetime(2026, 3, 4, 8, 0, tzinfo=tokyo)) == MIDNIGHT - timedelta(days=1)
    assert midnight(datetime(2026, 3, 4, 9, 0, tzinfo=tokyo)) == MIDNIGHT


@given(INSTANTS, INSTANTS)
def test_work_never_moves_from_historical_back_to_realtime(about: datetime, now: datetime) -> None:
    later = now + timedelta(hours=5)
    assert not (lane_of(about, now) is Lane.HISTORICAL and lane_of(about, later) is Lane.REALTIME)


@given(TASKS)
def test_by_rank_realtime_goes_highest_priority_then_newest_first(
    tasks: list[tuple[Priority, datetime, datetime]],
) -> None:
    ranked = sorted(tasks, key=lambda task: rank(Lane.REALTIME, *task), reverse=True)
    assert ranked == sorted(tasks, reverse=True)


@given(TASKS)
def test_by_rank_historical_goes_highest_priority_then_oldest_first(
    tasks: list[tuple[Priority, datetime, datetime]],
) -> None:
    ranked = sorted(tasks, key=lambda task: rank(Lane.HISTORICAL, *task), reverse=True)
    assert ranked == sorted(tasks, key=lambda task: (-task[0], task[1], task[2]))


@given(st.sampled_from(Lane), st.sampled_from(Priority), st.datetimes(timezones=st.just(UTC)), INSTANTS)
def test_a_rank_has_36_digits_whatever_the_times(
    lane: Lane, priority: Priority, about: datetime, created: datetime
) -> None:
    found = rank(lane, priority, about, created)
    assert len(found) == 36
    assert found.isdecimal()


@pytest.mark.parametrize("lane", Lane)
def test_the_same_instant_ranks_the_same_in_every_zone(lane: Lane) -> None:
    elsewhere = MIDNIGHT.astimezone(timezone(timedelta(hours=-5)))
    assert rank(lane, Priority.LOW, elsewhere, elsewhere) == rank(lane, Priority.LOW, MIDNIGHT, MIDNIGHT)
