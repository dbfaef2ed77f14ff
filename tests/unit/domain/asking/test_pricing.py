"""How long requests take, by the budget or by what was measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stockjobs.domain.asking.budgets import Budget, Usage
from stockjobs.domain.asking.pricing import NO_ALLOWANCE, Allowance, Basis, Duration, Speed, allowance_of, duration_of

SECOND = timedelta(seconds=1)
FAST = Speed(SECOND / 10, 4)


def own(*limits: int) -> Allowance:
    return allowance_of([], Budget(*limits))


def usage(egress: str, *limits: int) -> Usage:
    """A budget of which half is kept for realtime."""
    kept = Budget(*(limit // 2 for limit in limits))
    return Usage("yahoo", egress, datetime(2024, 1, 1, tzinfo=UTC), Budget(*limits), kept)


def test_without_a_budget_and_a_measurement_nothing_is_known() -> None:
    assert duration_of(100, NO_ALLOWANCE, None) is None
    assert duration_of(100, own(), None) is None


def test_a_budget_says_how_long_requests_take_at_the_slowest_of_its_paces() -> None:
    assert duration_of(7_200, own(10, 0, 3_600), None) == Duration(7_200 * SECOND, Basis.BUDGET)


def test_what_was_measured_says_it_where_there_is_no_budget() -> None:
    assert duration_of(1_000, NO_ALLOWANCE, FAST) == Duration(25 * SECOND, Basis.MEASURED)


def test_the_slower_of_both_counts() -> None:
    assert duration_of(1_000, own(10), FAST) == Duration(100 * SECOND, Basis.BUDGET)
    assert duration_of(1_000, own(100), FAST) == Duration(25 * SECOND, Basis.MEASURED)


def test_without_workers_a_measurement_says_nothing() -> None:
    assert duration_of(1_000, NO_ALLOWANCE, Speed(SECOND, 0)) is None


def test_what_workers_keep_counts_before_the_settings_of_who_asks() -> None:
    told = allowance_of([usage("default", 20)], Budget(per_second=1))
    assert duration_of(100, told, None) == Duration(10 * SECOND, Basis.TOLD)


def test_the_budgets_of_several_egresses_add_up_and_one_without_limit_is_none() -> None:
    two = [usage("tokyo", 4), usage("oslo", 12)]
    assert duration_of(80, allowance_of(two, Budget()), None) == Duration(10 * SECOND, Basis.TOLD)
    assert duration_of(80, allowance_of([*two, usage("here", 0)], Budget()), None) is None


def test_no_more_slots_count_than_may_run_at_once() -> None:
    assert duration_of(1_000, NO_ALLOWANCE, FAST.at_most(1)) == Duration(100 * SECOND, Basis.MEASURED)
    assert FAST.at_most(10) == FAST
