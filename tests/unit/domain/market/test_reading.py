"""The factors by which prices are adjusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Eve, Payout, factors, newer_of

NEW_YORK = ZoneInfo("America/New_York")
EX_DAY = datetime(2026, 3, 11, 13, 30, tzinfo=UTC)
"""A Wednesday, two days after the clocks went forward."""


def factor_at(at: datetime, interval: Interval, zone: ZoneInfo = NEW_YORK) -> float:
    found = factors([Payout(EX_DAY, 10.0, 100.0)], interval, zone)
    return float(found.at(np.array([int(at.timestamp())]))[0])


def test_bars_before_the_ex_day_are_lowered_and_that_day_is_not() -> None:
    assert factor_at(EX_DAY - timedelta(days=1), Interval.D1) == pytest.approx(0.9)
    assert factor_at(EX_DAY, Interval.D1) == 1


def test_minutes_before_the_open_of_the_ex_day_are_of_that_day() -> None:
    assert factor_at(EX_DAY - timedelta(hours=5), Interval.M1) == 1
    assert factor_at(EX_DAY - timedelta(hours=17), Interval.M1) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("interval", "own", "before"),
    [
        (Interval.W1, datetime(2026, 3, 9, tzinfo=NEW_YORK), datetime(2026, 3, 2, tzinfo=NEW_YORK)),
        (Interval.MO1, datetime(2026, 3, 1, tzinfo=NEW_YORK), datetime(2026, 2, 1, tzinfo=NEW_YORK)),
    ],
)
def test_a_week_or_month_that_holds_the_ex_day_closes_without_the_payout(
    interval: Interval, own: datetime, before: datetime
) -> None:
    assert (factor_at(own, interval), factor_at(before, interval)) == (1, pytest.approx(0.9))


def test_a_month_is_one_of_the_exchange() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    # The first of March in Tokyo is still February in UTC.
    assert factor_at(datetime(2026, 3, 1, tzinfo=tokyo), Interval.MO1, tokyo) == 1
    assert factor_at(datetime(2026, 2, 1, tzinfo=tokyo), Interval.MO1, tokyo) == pytest.approx(0.9)


@pytest.mark.parametrize("payout", [Payout(EX_DAY, 1.0, None), Payout(EX_DAY, 100.0, 100.0), Payout(EX_DAY, 0.0, 5.0)])
def test_a_payout_that_no_close_stands_against_changes_nothing(payout: Payout) -> None:
    assert factors([payout], Interval.D1, NEW_YORK).at(np.array([0, 2**33])).tolist() == [1, 1]


FRIDAY, MONDAY = (datetime(2026, 3, day, 13, 30, tzinfo=UTC) for day in (6, 9))
LAST_WEEK = datetime(2026, 3, 2, tzinfo=NEW_YORK)
HOUR = datetime(2026, 3, 10, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("daily", "own", "chosen"),
    [
        (Eve(1.0, MONDAY, Interval.D1), Eve(2.0, MONDAY + timedelta(hours=6), Interval.H1), 1.0),
        (Eve(1.0, FRIDAY, Interval.D1), Eve(2.0, HOUR, Interval.H1), 2.0),
        (Eve(1.0, datetime(2020, 3, 10, tzinfo=UTC), Interval.D1), Eve(2.0, HOUR, Interval.H1), 2.0),
        (Eve(1.0, FRIDAY, Interval.D1), Eve(2.0, LAST_WEEK, Interval.W1), 1.0),
        (Eve(1.0, MONDAY, Interval.D1), Eve(2.0, LAST_WEEK, Interval.W1), 1.0),
        (Eve(1.0, datetime(2026, 2, 27, tzinfo=UTC), Interval.D1), Eve(2.0, LAST_WEEK, Interval.W1), 2.0),
        (Eve(1.0, FRIDAY, Interval.D1), None, 1.0),
        (None, Eve(2.0, LAST_WEEK, Interval.W1), 2.0),
    ],
)
def test_a_payout_is_held_against_the_daily_close_before_it_unless_the_read_interval_has_a_newer_one(
    daily: Eve | None, own: Eve | None, chosen: float
) -> None:
    found = newer_of(daily, own, NEW_YORK)
    assert found is not None
    assert found.close == chosen
    assert newer_of(None, None, NEW_YORK) is None


@given(st.lists(st.tuples(st.integers(0, 3_000), st.floats(0.01, 50)), max_size=8, unique_by=lambda one: one[0]))
def test_a_holder_earns_the_same_whether_paid_out_or_adjusted(payouts: list[tuple[int, float]]) -> None:
    # The close of each day is 100; what is paid out is put into shares at the price of the ex-day's eve, less the payout.
    paid = [Payout(EX_DAY + timedelta(days=day), amount, 100.0) for day, amount in sorted(payouts)]
    shares = float(np.prod([1 / (1 - amount / 100) for _, amount in payouts]))
    first = int((EX_DAY - timedelta(days=2)).timestamp())
    found = factors(paid, Interval.D1, NEW_YORK).at(np.array([first, 2**33]))
    assert found[1] / found[0] == pytest.approx(shares)
