"""The intervals of bars."""

from __future__ import annotations

import pytest

from stockjobs.domain.market.intervals import Interval


@pytest.mark.parametrize("interval", Interval)
def test_a_stored_length_names_its_interval(interval: Interval) -> None:
    assert Interval.from_seconds(interval.seconds) is interval
    assert interval.length.total_seconds() == interval.seconds


def test_lengths_rise_in_the_order_of_the_intervals() -> None:
    lengths = [interval.seconds for interval in Interval]
    assert lengths == sorted(set(lengths))


def test_all_below_a_day_are_intraday() -> None:
    assert [interval.value for interval in Interval if not interval.is_intraday] == ["1d", "1wk", "1mo"]


def test_a_length_that_no_interval_has_is_an_error() -> None:
    with pytest.raises(KeyError):
        Interval.from_seconds(61)
