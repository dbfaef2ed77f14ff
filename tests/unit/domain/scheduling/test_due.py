"""What a tick finds due, under each misfire policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.periods import parse_repeating
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Once, Repeat
from stockjobs.domain.scheduling.schedules import (
    COUNT_AT_MOST,
    INSTANT,
    MAKE_UP_AT_MOST,
    Due,
    Misfire,
    Missed,
    Schedule,
    between,
    due,
)

MINUTE = timedelta(minutes=1)
NO_GRACE = timedelta(0)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


EVERY_FIVE = Cron("*/5 * * * *")
NOON = utc(2026, 3, 4, 12)


def test_a_punctual_tick_runs_the_due_time_and_names_the_next() -> None:
    for misfire in Misfire:
        found = due(EVERY_FIVE, NOON, NOON + timedelta(seconds=1), misfire=misfire, grace=MINUTE)
        assert found == Due((NOON,), None, NOON + 5 * MINUTE)


def test_a_tick_at_the_very_instant_runs_it() -> None:
    assert due(EVERY_FIVE, NOON, NOON, misfire=Misfire.NONE, grace=NO_GRACE).run == (NOON,)


def test_a_tick_before_the_time_runs_nothing() -> None:
    found = due(EVERY_FIVE, NOON, NOON - MINUTE, misfire=Misfire.ALL, grace=MINUTE)
    assert found == Due((), None, NOON)


@pytest.mark.parametrize(
    ("misfire", "made_up"), [(Misfire.ALL, [0, 5, 10]), (Misfire.LATEST, [10]), (Misfire.NONE, [])]
)
def test_missed_times_are_made_up_as_the_policy_says(misfire: Misfire, made_up: list[int]) -> None:
    found = due(EVERY_FIVE, NOON, NOON + 14 * MINUTE, misfire=misfire, grace=MINUTE)
    assert found.run == tuple(NOON + minutes * MINUTE for minutes in made_up)
    assert (found.missed.count if found.missed else 0) == 3 - len(made_up)
    assert found.next_due == NOON + 15 * MINUTE


def test_a_time_within_its_grace_is_not_missed() -> None:
    found = due(EVERY_FIVE, NOON, NOON + 11 * MINUTE, misfire=Misfire.NONE, grace=MINUTE)
    assert found.run == (NOON + 10 * MINUTE,)


def test_a_single_time_that_was_missed_leaves_no_next() -> None:
    found = due(Once(NOON), NOON, NOON + 60 * MINUTE, misfire=Misfire.LATEST, grace=MINUTE)
    assert found == Due((NOON,), None, None)


def _ticks(schedule: Schedule, first: datetime, instants: list[datetime], misfire: Misfire) -> list[datetime]:
    """What beats that tick at these instants run, each taking up the next due time that the one before left."""
    run: list[datetime] = []
    upcoming: datetime | None = first
    for now in instants:
        if upcoming is not None and upcoming <= now:
            found = due(schedule, upcoming, now, misfire=misfire, grace=MINUTE)
            run.extend(found.run)
            upcoming = found.next_due
    return run


def test_after_a_long_absence_the_latest_runs_and_the_rest_is_told() -> None:
    back = NOON + 2_500 * MINUTE
    found = due(Cron("* * * * *"), NOON, back, misfire=Misfire.LATEST, grace=MINUTE)
    assert found == Due((back,), Missed(NOON, back - MINUTE, 2_500, is_exact=True), back + MINUTE)


def test_after_a_long_absence_the_newest_are_made_up_and_the_older_are_told() -> None:
    back = NOON + 2_500 * MINUTE
    found = due(Cron("* * * * *"), NOON, back, misfire=Misfire.ALL, grace=MINUTE)
    assert found.run == tuple(back - n * MINUTE for n in reversed(range(MAKE_UP_AT_MOST)))
    assert found.missed == Missed(NOON, back - MAKE_UP_AT_MOST * MINUTE, 1_501, is_exact=True)
    assert found.next_due == back + MINUTE


def test_as_many_as_are_made_up_leave_nothing_missed() -> None:
    back = NOON + (MAKE_UP_AT_MOST - 1) * MINUTE
    found = due(Cron("* * * * *"), NOON, back, misfire=Misfire.ALL, grace=MINUTE)
    assert (len(found.run), found.missed) == (MAKE_UP_AT_MOST, None)


def test_a_time_that_no_policy_makes_up_is_told() -> None:
    found = due(Once(NOON), NOON, NOON + 60 * MINUTE, misfire=Misfire.NONE, grace=MINUTE)
    assert found == Due((), Missed(NOON, NOON, 1, is_exact=True), None)


@pytest.mark.parametrize("schedule", [Repeat(parse_repeating("R/PT1S")), Cron("* * * * *", "Europe/Berlin")])
def test_more_than_can_be_counted_are_told_as_at_least_so_many(schedule: Schedule) -> None:
    found = due(schedule, utc(2023, 1, 1), NOON, misfire=Misfire.ALL, grace=MINUTE)
    assert found.missed is not None
    assert (found.missed.first, found.missed.count, found.missed.is_exact) == (utc(2023, 1, 1), COUNT_AT_MOST, False)
    assert len(found.run) == MAKE_UP_AT_MOST
    assert found.run[0] > found.missed.last


def test_a_clock_that_goes_back_an_hour_makes_nothing_due_again() -> None:
    ticks = [NOON, NOON + 6 * MINUTE, NOON - 54 * MINUTE, NOON - 49 * MINUTE, NOON + 5 * MINUTE, NOON + 11 * MINUTE]
    for misfire in Misfire:
        assert _ticks(EVERY_FIVE, NOON, ticks, misfire) == [NOON, NOON + 5 * MINUTE, NOON + 10 * MINUTE]


def test_a_clock_that_goes_forward_an_hour_loses_nothing() -> None:
    ticks = [NOON, NOON + 60 * MINUTE, NOON + 1 * MINUTE, NOON + 61 * MINUTE]
    assert _ticks(EVERY_FIVE, NOON, ticks, Misfire.ALL) == [NOON + n * 5 * MINUTE for n in range(13)]


SCHEDULES = st.sampled_from(
    [
        Cron("*/5 * * * *"),
        Cron("30 1,2 * * *", "America/New_York"),
        Cron("20 0 3 * * *", "Europe/Berlin"),
        Repeat(parse_repeating("R/PT7M")),
        Repeat(parse_repeating("R20/2026-10-24T00:00:00Z/PT90M")),
        Repeat(parse_repeating("R/2026-10-25T00:30:00Z/P1D")),
        Once(utc(2026, 10, 26, 12)),
    ]
)
START = utc(2026, 10, 23)
# Three days, so that no more are due than are made up.
OFFSETS = st.lists(st.integers(0, 3 * 86_400_000), min_size=1, max_size=12).map(sorted)


@given(SCHEDULES, OFFSETS)
def test_all_runs_each_due_time_exactly_once_whenever_the_ticks_are(schedule: Schedule, offsets: list[int]) -> None:
    first = schedule.after(START)
    assert first is not None
    instants = [START + timedelta(milliseconds=offset) for offset in offsets]
    assert _ticks(schedule, first, instants, Misfire.ALL) == between(
        schedule, first, instants[-1] + INSTANT, limit=9_999
    )


@given(SCHEDULES, OFFSETS.map(lambda offsets: offsets[::-1] + offsets))
def test_a_clock_that_jumps_about_makes_nothing_due_twice(schedule: Schedule, offsets: list[int]) -> None:
    first = schedule.after(START)
    assert first is not None
    instants = [START + timedelta(milliseconds=offset) for offset in offsets]
    assert _ticks(schedule, first, instants, Misfire.ALL) == between(
        schedule, first, max(instants) + INSTANT, limit=9_999
    )


@given(SCHEDULES, st.integers(0, 12 * 86_400), st.integers(0, 12 * 86_400), st.sampled_from(Misfire))
def test_what_runs_and_what_is_missed_is_all_that_was_due(
    schedule: Schedule, start: int, length: int, misfire: Misfire
) -> None:
    first = schedule.after(START + timedelta(seconds=start))
    if first is None:
        return
    now = first + timedelta(seconds=length)
    everything = between(schedule, first, now + INSTANT, limit=9_999)
    found = due(schedule, first, now, misfire=misfire, grace=MINUTE)
    missed = everything[: len(everything) - len(found.run)]
    assert [*missed, *found.run] == everything
    assert found.missed == (Missed(missed[0], missed[-1], len(missed), is_exact=True) if missed else None)
    assert found.next_due == schedule.after(now)
