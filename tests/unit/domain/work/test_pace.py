"""The pace of an occurrence, and when it will have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.pace import Ended, Progress, Work, progress_of

BEGAN = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def ended(count: int, *, slots: int = 1, takes: float = 10, symbols: int = 20) -> list[Ended]:
    """Tasks that ran side by side in so many slots, the newest first."""
    rounds = [BEGAN + SECOND * takes * (number // slots) for number in range(count)]
    return [Ended(start, start + SECOND * takes, symbols) for start in reversed(rounds)]


def test_of_too_few_tasks_no_end_is_told() -> None:
    assert progress_of(Work(40, 1_000), ended(2), BEGAN, now=BEGAN + 20 * SECOND) == Progress(Work(40, 1_000))
    assert progress_of(Work(0, 1_000), [], None, now=BEGAN) == Progress(Work(0, 1_000))


def test_what_is_done_has_no_end_to_come() -> None:
    assert progress_of(Work(100, 100), ended(5), BEGAN, now=BEGAN).ends_at is None


def test_it_ends_when_the_rest_is_done_at_the_same_pace() -> None:
    found = progress_of(Work(100, 1_000), ended(5), BEGAN, now=BEGAN + 52 * SECOND)
    assert found.ends_at == BEGAN + 500 * SECOND


@given(st.integers(1, 16), st.integers(0, 9))
def test_tasks_that_end_in_bursts_are_told_alike_at_any_time(slots: int, later: int) -> None:
    latest = ended(slots * 4, slots=slots)
    done, total = slots * 4 * 20, slots * 40 * 20
    found = progress_of(Work(done, total), latest, BEGAN, now=BEGAN + SECOND * (40 + later))
    assert found.ends_at == BEGAN + 400 * SECOND


def test_time_in_which_nothing_ends_counts_once_it_is_longer_than_a_task_takes() -> None:
    stuck = progress_of(Work(100, 1_000), ended(5), BEGAN, now=BEGAN + 100 * SECOND)
    assert stuck.ends_at == BEGAN + 1_000 * SECOND


def test_a_task_that_waits_for_another_try_ends_later_than_it_is_tried() -> None:
    tried = BEGAN + 3_600 * SECOND
    found = progress_of(Work(980, 1_000), ended(49), BEGAN, now=BEGAN + 490 * SECOND, next_try_at=tried)
    assert found.ends_at == tried


def test_only_the_latest_tasks_count_so_that_a_slow_start_is_forgotten() -> None:
    # 900 symbols took an hour; the last five tasks ended ten seconds apart.
    start = BEGAN + 3_600 * SECOND
    latest = [Ended(start + SECOND * 10 * n, start + SECOND * 10 * (n + 1), 20) for n in reversed(range(5))]
    found = progress_of(Work(1_000, 1_200), latest, BEGAN, now=start + 50 * SECOND)
    assert found.ends_at == start + 150 * SECOND


@pytest.mark.parametrize("done", [100, 500, 900])
def test_the_end_is_never_in_the_past(done: int) -> None:
    now = BEGAN + 10_000 * SECOND
    found = progress_of(Work(done, 1_000), ended(done // 20), BEGAN, now=now)
    assert found.ends_at is not None
    assert found.ends_at >= now
