"""What a tick finds due, under each misfire policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.periods import parse_repeating
from stockjobs.domain.schedules import MAKE_UP_AT_MOST, Cron, Due, Misfire, Once, Repeat, Schedule, due

MINUTE = timedelta(minutes=1)
NO_GRACE = timedelta(0)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


EVERY_FIVE = Cron("*/5 * * * *")
NOON = utc(2026, 3, 4, 12)


def test_a_punctual_tick_runs_the_due_time_and_names_the_next() -> None:
    for misfire in Misfire:
        found = due(EVERY_FIVE, NOON, NOON + timedelta(seconds=1), misfire=misfire, grace=MINUTE)
        assert found == Due((NOON,), 0, NOON + 5 * MINUTE)


def test_a_tick_at_the_very_instant_runs_it() -> None:
    assert due(EVERY_FIVE, NOON, NOON, misfire=Misfire.NONE, grace=NO_GRACE).run == (NOON,)


def test_a_tick_before_the_time_runs_nothing() -> None:
    found = due(EVERY_FIVE, NOON, NOON - MINUTE, misfire=Misfire.ALL, grace=MINUTE)
    assert found == Due((), 0, NOON)


@pytest.mark.parametrize(
    ("misfire", "made_up"), [(Misfire.ALL, [0, 5, 10]), (Misfire.LATEST, [10]), (Misfire.NONE, [])]
)
def test_missed_times_are_made_up_as_the_policy_says(misfire: Misfire, made_up: list[int]) -> None:
    found = due(EVERY_FIVE, NOON, NOON + 14 * MINUTE, misfire=misfire, grace=MINUTE)
    assert found.run == tuple(NOON + minutes * MINUTE for minutes in made_up)
    assert found.passed_over == 3 - len(made_up)
    assert found.next_due == NOON + 15 * MINUTE


def test_a_time_within_its_grace_is_not_missed() -> None:
    found = due(EVERY_FIVE, NOON, NOON + 11 * MINUTE, misfire=Misfire.NONE, grace=MINUTE)
    assert found.run == (NOON + 10 * MINUTE,)


def test_a_single_time_that_was_missed_leaves_no_next() -> None:
    found = due(Once(NOON), NOON, NOON + 60 * MINUTE, misfire=Misfire.LATEST, grace=MINUTE)
    assert found == Due((NOON,), 0, None)


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


def test_after_a_long_absence_the_latest_runs_once_though_several_ticks_pass_over_the_rest() -> None:
    back = NOON + (2 * MAKE_UP_AT_MOST + 500) * MINUTE
    run = _ticks(Cron("* * * * *"), NOON, [back] * 4, Misfire.LATEST)
    assert run == [back]


def test_after_a_long_absence_all_run_once_over_several_ticks() -> None:
    missed = 2 * MAKE_UP_AT_MOST + 500
    run = _ticks(Cron("* * * * *"), NOON, [NOON + missed * MINUTE] * 4, Misfire.ALL)
    assert run == [NOON + n * MINUTE for n in range(missed + 1)]


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
OFFSETS = st.lists(st.integers(0, 12 * 86_400_000), min_size=1, max_size=12).map(sorted)


@given(SCHEDULES, OFFSETS)
def test_all_runs_each_due_time_exactly_once_whenever_the_ticks_are(schedule: Schedule, offsets: list[int]) -> None:
    first = schedule.after(START)
    assert first is not None
    instants = [START + timedelta(milliseconds=offset) for offset in offsets]
    expected = []
    for time in schedule.iterate(START):
        if time > instants[-1]:
            break
        expected.append(time)
    # The last tick is repeated, as one tick makes up only so many.
    assert _ticks(schedule, first, [*instants, *[instants[-1]] * 12], Misfire.ALL) == expected


@given(SCHEDULES, OFFSETS, st.sampled_from([Misfire.LATEST, Misfire.NONE]))
def test_no_policy_runs_a_time_twice_or_one_that_is_not_due(
    schedule: Schedule, offsets: list[int], misfire: Misfire
) -> None:
    first = schedule.after(START)
    assert first is not None
    instants = [START + timedelta(milliseconds=offset) for offset in offsets]
    run = _ticks(schedule, first, instants, misfire)
    everything = _ticks(schedule, first, [*instants, *[instants[-1]] * 12], Misfire.ALL)
    assert run == sorted(set(run))
    assert set(run) <= set(everything)


def test_as_many_as_one_tick_makes_up_are_a_bounded_number() -> None:
    found = due(Cron("* * * * *"), NOON, NOON + timedelta(days=30), misfire=Misfire.ALL, grace=MINUTE)
    assert len(found.run) == MAKE_UP_AT_MOST
    assert found.next_due == NOON + MAKE_UP_AT_MOST * MINUTE
