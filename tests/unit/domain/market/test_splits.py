"""Splits: by how much the shares of bars and payments have become more."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import InPrices, Split, in_price, placed

DAY = 86_400
MONDAY = int(datetime(2025, 8, 4, tzinfo=UTC).timestamp())
WEDNESDAY = MONDAY + 2 * DAY
WEEKS = MONDAY + np.array([-7, 0, 7], dtype=np.int64) * DAY


def weekly(ratio: float) -> tuple[Split, ...]:
    """A split on a Wednesday, as weeks see it."""
    return placed([Split(WEDNESDAY, ratio)], Interval.W1, UTC)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ([1.1, 1.0, 1.0], [1.1, 1.0, 1.0]),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
        # All that there was then was told anew, the week of the split as well, before anybody told of it.
        ([1.1, 1.1, 1.0], [1.1, 1.0, 1.0]),
        ([1.10000002, 1.10000002, 1.0], [1.10000002, 1.0, 1.0]),
        # What came by another ratio stays.
        ([3.3, 3.0, 1.0], [3.3, 3.0, 1.0]),
    ],
)
def test_a_week_that_ends_after_a_split_does_not_count_it(stored: list[float], told: list[float]) -> None:
    assert in_price(WEEKS, WEEKS, np.array(stored), weekly(1.1)).tolist() == pytest.approx(told, rel=1e-6)


def test_what_is_paid_after_a_split_is_in_new_shares_whenever_its_week_was_told_anew() -> None:
    for factor in (1.0, 1.1):
        prices = InPrices(WEEKS, np.array([1.1, factor, 1.0]), weekly(1.1), Interval.W1, UTC)
        paid = {day: prices.of(MONDAY + day * DAY) for day in (-3, 0, 1, 2, 4, 8)}
        assert paid == pytest.approx({-3: 1.1, 0: 1.1, 1: 1.1, 2: 1.0, 4: 1.0, 8: 1.0}), factor
