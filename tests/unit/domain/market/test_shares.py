"""Shares: which landings are in the shares from before a split, told from how their prices join."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.shares import Bound, Past, applied_to, by_time, in_old_shares
from stockjobs.domain.market.splits import Split

DAY = 86_400


def past_of(runs: list[tuple[int, int, bool]], ratio: float, seed: int = 1) -> Past:
    """A price that wanders, landed in runs: of each the landing, how many days, and whether it is in old shares."""
    landing = np.repeat([number for number, _, _ in runs], [days for _, days, _ in runs])
    is_old = np.repeat([old for _, _, old in runs], [days for _, days, _ in runs])
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.015, len(landing))))
    opened = np.concatenate([[100.0], close[:-1]])
    factor = np.where(is_old, ratio, 1.0)
    return Past(np.arange(len(landing)) * DAY, opened * factor, close * factor, landing)


def end_of(past: Past, seed: int = 1) -> Bound:
    """The bar after the past, in new shares."""
    price = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.015, len(past.at)).sum())
    return Bound(int(past.at[-1]) + DAY, float(price))


runs_of = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=12).map(
    lambda runs: [(number, days, is_old) for number, (days, is_old) in enumerate(runs, 1)]
)
ratios = st.sampled_from([2.0, 3.0, 4.0, 10.0, 20.0, 0.5, 0.1])


@given(runs=runs_of, ratio=ratios, seed=st.integers(0, 1_000))
def test_every_landing_is_told_from_the_bar_after_the_past(
    runs: list[tuple[int, int, bool]], ratio: float, seed: int
) -> None:
    past = past_of(runs, ratio, seed)
    found = in_old_shares(past, ratio, sure={}, bound=end_of(past, seed))
    assert found == {number: is_old for number, _, is_old in runs}


@given(runs=runs_of, ratio=ratios, seed=st.integers(0, 1_000), anchor=st.integers(0, 11))
def test_every_landing_is_told_from_any_one_that_is_known(
    runs: list[tuple[int, int, bool]], ratio: float, seed: int, anchor: int
) -> None:
    past = past_of(runs, ratio, seed)
    number, _, is_old = runs[anchor % len(runs)]
    assert in_old_shares(past, ratio, sure={number: is_old}) == {one: old for one, _, old in runs}


def test_nothing_is_told_across_a_gap_in_which_the_price_may_have_moved_as_far() -> None:
    past = past_of([(1, 5, True), (2, 5, False)], 2.0)
    apart = Past(past.at + np.where(past.landing == 2, 400 * DAY, 0), past.open, past.close, past.landing)
    assert in_old_shares(apart, 2.0, sure={2: False}) == {1: None, 2: False}


def test_nothing_is_known_of_no_bars() -> None:
    nothing = np.empty(0)
    past = Past(nothing.astype(np.int64), nothing, nothing, nothing.astype(np.int64))
    assert in_old_shares(past, 4.0, sure={}, bound=Bound(0, 1.0)) == {}


EX_DAY = datetime(2025, 6, 2, tzinfo=UTC)
hours = st.integers(-24 * 30, 24 * 60)


@given(
    applied=st.integers(-48, 24 * 14),
    landed=st.lists(st.tuples(hours, st.booleans()), min_size=1, max_size=12),
)
def test_times_never_tell_what_is_not_so(applied: int, landed: list[tuple[int, bool]]) -> None:
    """A source applies the split so many hours after the ex-day, and each landing was asked for an hour before."""
    at = {number: EX_DAY + timedelta(hours=hour) for number, (hour, _) in enumerate(landed)}
    is_old = {number: hour - 1 < applied for number, (hour, _) in enumerate(landed)}
    told = {number: is_old[number] if is_known else None for number, (_, is_known) in enumerate(landed)}
    found = by_time(told, at, EX_DAY)
    assert {number: one for number, one in found.items() if one is not None}.items() <= is_old.items()
    assert all(
        found[number] is not None for number, (hour, _) in enumerate(landed) if hour <= -48 or hour >= 24 * 14 + 2
    )


def test_the_split_s_day_tells_nothing_where_prices_from_long_before_it_are_in_new_shares() -> None:
    at = {number: EX_DAY - timedelta(days=60 - 10 * number) for number in range(3)}
    assert by_time({0: None, 1: None, 2: False}, at, EX_DAY) == {0: None, 1: None, 2: False}
    assert by_time({0: None, 1: True, 2: False}, at, EX_DAY) == {0: True, 1: True, 2: False}


def test_what_nobody_knows_the_time_of_is_from_before_the_split() -> None:
    assert by_time({0: None}, {}, EX_DAY) == {0: True}


several = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2)), min_size=1, max_size=10)
pairs = st.sampled_from([(4.0, 0.1), (10.0, 10.0), (2.0, 5.0), (0.1, 3.0), (3.0, 2.0), (20.0, 0.1)])


@given(runs=several, ratios=pairs, seed=st.integers(0, 1_000))
def test_it_is_told_how_many_of_several_splits_each_landing_has(
    runs: list[tuple[int, int]], ratios: tuple[float, float], seed: int
) -> None:
    plain = past_of([(number, days, False) for number, (days, _) in enumerate(runs)], 1.0, seed)
    end = int(plain.at[-1]) + DAY
    splits = (Split(end, ratios[0]), Split(end + DAY, ratios[1]))
    applied = np.repeat([count for _, count in runs], [days for days, _ in runs])
    factor = np.array([1.0 * np.prod(ratios[count:]) for count in applied.tolist()])
    past = Past(plain.at, plain.open * factor, plain.close * factor, plain.landing)
    found = applied_to(past, splits, sure={}, bound=end_of(plain, seed))
    assert found == {number: count for number, (_, count) in enumerate(runs)}


def test_two_splits_that_undo_each_other_leave_open_which_were_applied() -> None:
    past = past_of([(1, 5, False), (2, 5, False)], 1.0)
    splits = (Split(20 * DAY, 2.0), Split(21 * DAY, 0.5))
    assert applied_to(past, splits, sure={2: 2}) == {1: None, 2: 2}


def test_nothing_is_told_of_prices_that_are_not_positive() -> None:
    past = past_of([(1, 5, True), (2, 5, True)], 4.0)
    for price in (-37.63, 0.0):
        past.close[-1] = price
        assert in_old_shares(past, 4.0, sure={}, bound=end_of(past)) == {1: None, 2: None}
        split = Split(int(past.at[-1]) + DAY, 4.0)
        assert applied_to(past, [split, Split(split.at + DAY, 3.0)], sure={}, bound=end_of(past)) == {1: None, 2: None}
