"""How long requests take, by the budget or by what was measured."""

from __future__ import annotations

from datetime import timedelta

from stockjobs.domain.asking.budgets import NO_BUDGET, Budget
from stockjobs.domain.asking.pricing import Basis, Duration, Speed, duration_of

SECOND = timedelta(seconds=1)
FAST = Speed(SECOND / 10, 4)


def test_without_a_budget_and_a_measurement_nothing_is_known() -> None:
    assert duration_of(100, NO_BUDGET, None) is None


def test_a_budget_says_how_long_requests_take_at_the_slowest_of_its_paces() -> None:
    assert duration_of(7_200, Budget(10, 0, 3_600), None) == Duration(7_200 * SECOND, Basis.BUDGET)


def test_what_was_measured_says_it_where_there_is_no_budget() -> None:
    assert duration_of(1_000, NO_BUDGET, FAST) == Duration(25 * SECOND, Basis.MEASURED)


def test_the_slower_of_both_counts() -> None:
    assert duration_of(1_000, Budget(per_second=10), FAST) == Duration(100 * SECOND, Basis.BUDGET)
    assert duration_of(1_000, Budget(per_second=100), FAST) == Duration(25 * SECOND, Basis.MEASURED)


def test_without_workers_a_measurement_says_nothing() -> None:
    assert duration_of(1_000, NO_BUDGET, Speed(SECOND, 0)) is None
