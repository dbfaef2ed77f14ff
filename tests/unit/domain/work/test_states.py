"""The state of an occurrence as the sum of its tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.work.states import ENDED, OPEN, State, sum_of

S = State
TASK_STATES = [S.SCHEDULED, S.QUEUED, S.RUNNING, S.COMPLETED, S.FAILED, S.CANCELLED, S.TIMEOUT]
COUNTS = st.dictionaries(st.sampled_from(TASK_STATES), st.integers(0, 50))


@pytest.mark.parametrize(
    ("tasks", "total"),
    [
        ({}, S.COMPLETED),
        ({S.COMPLETED: 3}, S.COMPLETED),
        ({S.SCHEDULED: 2}, S.SCHEDULED),
        ({S.SCHEDULED: 1, S.QUEUED: 1}, S.QUEUED),
        ({S.RUNNING: 1}, S.RUNNING),
        ({S.QUEUED: 5, S.COMPLETED: 1}, S.RUNNING),
        ({S.QUEUED: 5, S.FAILED: 1}, S.RUNNING),
        ({S.COMPLETED: 9, S.FAILED: 1}, S.FAILED),
        ({S.FAILED: 1, S.TIMEOUT: 1, S.CANCELLED: 1}, S.FAILED),
        ({S.TIMEOUT: 1, S.CANCELLED: 1, S.COMPLETED: 1}, S.TIMEOUT),
        ({S.CANCELLED: 1, S.COMPLETED: 1}, S.CANCELLED),
    ],
)
def test_an_occurrence_is_the_sum_of_its_tasks(tasks: dict[State, int], total: State) -> None:
    assert sum_of(tasks) is total


@given(COUNTS)
def test_an_occurrence_is_open_as_long_as_one_task_is(tasks: dict[State, int]) -> None:
    assert (sum_of(tasks) in OPEN) == any(tasks.get(state) for state in OPEN)


@given(COUNTS)
def test_an_occurrence_completes_only_if_all_its_tasks_did(tasks: dict[State, int]) -> None:
    others = sum(count for state, count in tasks.items() if state is not S.COMPLETED)
    assert (sum_of(tasks) is S.COMPLETED) == (others == 0)


@given(COUNTS)
def test_states_that_no_task_is_in_change_nothing(tasks: dict[State, int]) -> None:
    assert sum_of(dict.fromkeys(State, 0) | tasks) is sum_of(tasks)


@given(COUNTS)
def test_a_task_that_starts_never_puts_an_occurrence_back_to_queued(tasks: dict[State, int]) -> None:
    waiting = tasks.get(S.QUEUED, 0) + 1
    before = {**tasks, S.QUEUED: waiting}
    after = {**tasks, S.QUEUED: waiting - 1, S.RUNNING: tasks.get(S.RUNNING, 0) + 1}
    assert sum_of(before) in (S.QUEUED, S.RUNNING)
    assert sum_of(after) is S.RUNNING


def test_no_state_is_both_open_and_ended() -> None:
    assert not set(OPEN) & set(ENDED)
