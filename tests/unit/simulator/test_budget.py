"""The budget of an address, and the counters."""

from __future__ import annotations

from stockjobs.simulator.budget import Allowance, Budget
from stockjobs.simulator.counters import Counters, Request


def test_without_an_allowance_everything_is_admitted() -> None:
    budget = Budget()
    assert all(budget.admits("a", 0.0) for _ in range(1_000))


def test_a_rate_is_held_over_any_second() -> None:
    budget = Budget(Allowance(per_second=2))
    assert [budget.admits("a", at) for at in (0.0, 0.5, 0.9, 1.01, 1.2, 1.6)] == [True, True, False, True, False, True]


def test_a_window_is_held_for_each_address_alone() -> None:
    budget = Budget(Allowance(per_window=2, window_seconds=10))
    assert [budget.admits("a", at) for at in (0.0, 1.0, 9.9, 10.1)] == [True, True, False, True]
    assert budget.admits("b", 9.9)


def test_a_refused_address_is_blocked_for_a_while() -> None:
    budget = Budget(Allowance(per_second=1, block_seconds=5))
    assert [budget.admits("a", at) for at in (0.0, 0.1, 3.0, 5.2)] == [True, False, False, True]


def test_requests_are_counted_with_their_peak_rate() -> None:
    counters = Counters()
    for at in (0.0, 0.2, 0.4, 5.0):
        counters.count(Request(at, "chart", "AAPL", 200, connection=1, uri="/"))
    counters.count(Request(9.0, "crumb", "", 429, connection=2, uri="/", fault="budget"))
    report = counters.report()
    assert (report["total"], report["peak_per_second"], report["connections"]) == (5, 3, 2)
    assert report["by_symbol"] == {"AAPL": 4}
    assert report["by_status"] == {"200": 4, "429": 1}
    assert report["by_fault"] == {"budget": 1}
    assert len(counters.requests(endpoint="crumb")) == 1
