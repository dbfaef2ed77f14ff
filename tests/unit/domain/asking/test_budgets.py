from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.budgets import HOUR, MINUTE, NO_BUDGET, SECOND, Budget

budgets = st.builds(Budget, st.integers(0, 100), st.integers(0, 1_000), st.integers(0, 10_000))


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [(Budget(2, 60, 1_500), 2.4), (Budget(10, 0, 0), 0.1), (Budget(0, 30, 0), 2.0), (NO_BUDGET, 0.0)],
)
def test_the_tightest_window_says_how_often_one_may_ask_for_ever(budget: Budget, seconds: float) -> None:
    assert budget.interval == timedelta(seconds=seconds)


@given(budgets, st.floats(0, 0.9))
def test_what_is_left_beside_a_share_is_less_but_never_nothing(budget: Budget, share: float) -> None:
    for (_, whole), (_, left) in zip(budget.windows, budget.without(share).windows, strict=True):
        assert (left == 0) is (whole == 0)
        assert left == 1 or left <= whole * (1 - share)


@given(budgets)
def test_as_many_tasks_are_fed_as_get_a_request_a_second(budget: Budget) -> None:
    if not budget.is_limited:
        assert budget.parallel == 0
        return
    assert budget.parallel >= 2
    assert budget.parallel == 2 or (budget.parallel - 1) * budget.interval <= SECOND


def test_limits_that_are_not_given_stay() -> None:
    assert Budget(2, 60, 1_500).with_limits(None, 0, 90) == Budget(2, 0, 90)


def test_windows_are_named_by_their_lengths() -> None:
    assert Budget(1, 2, 3).windows == ((SECOND, 1), (MINUTE, 2), (HOUR, 3))


def test_a_slow_budget_is_waited_for_longer_but_not_for_ever() -> None:
    waits = [Budget(per_minute=limit).short_wait.total_seconds() for limit in (60, 6, 1)]
    assert waits == [5, 30, 30]
