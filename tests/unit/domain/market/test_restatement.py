"""Restatement: what a changed history means, for every way in which it was seen to change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.lacking import missing
from stockjobs.domain.market.restatement import Known, Restated, Revised, Unchanged, Varies, compared
from stockjobs.domain.market.splits import Split, factors

DAY = 86_400
FIRST = 1_700_000_000 // DAY * DAY
PRICES = ("open", "high", "low", "close")


def bars_of(days: int, *, first: int = FIRST, seed: int = 1, volatility: float = 0.01) -> Bars:
    """Bars of a price that wanders, in the single precision of sources."""
    steps = np.random.default_rng(seed).normal(0, volatility, days)
    close = single(100 * np.exp(np.cumsum(steps)))
    opened = single(np.concatenate([[100.0], close[:-1]]) * 1.001)
    high, low = single(np.maximum(opened, close) * 1.005), single(np.minimum(opened, close) * 0.995)
    volume = np.arange(days, dtype=np.int64) * 100 + 1_000
    return Bars(first + np.arange(days) * DAY, opened, high, low, close, volume, np.zeros(days, dtype=np.bool_))


def single(prices: np.ndarray) -> np.ndarray:
    return prices.astype(np.float32).astype(np.float64)


def times(bars: Bars, factor: float | np.ndarray) -> Bars:
    """The bars with their prices multiplied, rounded as sources round."""
    return replace(bars, **{name: single(getattr(bars, name) * factor) for name in PRICES})


def known(bars: Bars, splits: tuple[Split, ...] = (), landing: int | np.ndarray = 1) -> Known:
    """Bars that are stored, with all of these splits in their prices."""
    return Known(bars, factors(bars.at, splits), np.broadcast_to(np.asarray(landing), len(bars)))


def split_on(day: int, ratio: float = 4.0) -> Split:
    return Split(FIRST + day * DAY, ratio)


def test_equal_bars_are_unchanged() -> None:
    bars = bars_of(5)
    assert compared(known(bars), bars, ()) == Unchanged()


@pytest.mark.parametrize("ratios", [(2.0, 5.0), (0.1, 0.1), (7.0, 0.2), (3.0, 10 / 3), (10.0, 10.0)])
def test_several_splits_between_two_answers_restate_by_their_product(ratios: tuple[float, float]) -> None:
    bars, splits = bars_of(5), (split_on(6, ratios[0]), split_on(8, ratios[1]))
    whole = ratios[0] * ratios[1]
    assert compared(known(bars), times(bars, 1 / whole), splits) == Restated(pytest.approx(whole), splits, {1: True})


def test_splits_that_undo_each_other_leave_what_came_before_them_as_it_was() -> None:
    bars, splits = bars_of(5), (split_on(6, 2.0), split_on(8, 0.5))
    assert compared(known(bars), bars, splits) == Unchanged()
    assert missing(1.0, FIRST, splits) == ()


def test_the_bars_between_splits_that_undo_each_other_are_restated_by_the_second() -> None:
    splits = (split_on(3, 2.0), split_on(6, 0.5))
    stored = known(bars_of(6), splits[:1])
    now = times(bars_of(6), 2.0)
    assert compared(stored, now, splits) == Restated(0.5, splits[1:], {1: True})


def test_bars_that_do_not_overlap_say_nothing() -> None:
    assert compared(known(bars_of(5)), bars_of(5, first=FIRST + 9 * DAY), ()) == Unchanged()
    assert compared(known(Bars.empty()), bars_of(5), ()) == Unchanged()


ratios = st.sampled_from([2.0, 3.0, 4.0, 7.0, 10.0, 20.0, 1.5, 1.1, 0.5, 0.1, 0.05, 1 / 3, 1 / 15])


@given(ratio=ratios, days=st.integers(1, 40), seed=st.integers(0, 1_000))
def test_a_split_after_the_overlap_restates_by_its_ratio(ratio: float, days: int, seed: int) -> None:
    bars, split = bars_of(days, seed=seed), split_on(days, ratio)
    verdict = compared(known(bars), times(bars, 1 / ratio), [split])
    assert verdict == Restated(ratio, (split,), {1: True})


@given(ratio=ratios, days=st.integers(3, 40), ex_day=st.integers(1, 39), seed=st.integers(0, 1_000))
def test_a_split_within_the_overlap_restates_what_is_before_it(ratio: float, days: int, ex_day: int, seed: int) -> None:
    ex_day = min(ex_day, days - 1)
    split, now = split_on(ex_day, ratio), bars_of(days, seed=seed)
    before = times(now, np.where(now.at < split.at, ratio, 1.0))
    assert compared(known(before), now, [split]) == Restated(ratio, (split,), {1: True})


@given(ratio=ratios, days=st.integers(1, 20), seed=st.integers(0, 100))
def test_what_was_restated_by_a_split_is_unchanged_when_it_comes_again(ratio: float, days: int, seed: int) -> None:
    bars, split = bars_of(days, seed=seed), split_on(days, ratio)
    stored = replace(bars, **{name: getattr(bars, name) / ratio for name in PRICES})
    assert compared(known(stored, (split,)), times(bars, 1 / ratio), [split]) == Unchanged()


@given(ratio=st.floats(0.05, 20).filter(lambda one: abs(one - 1) > 0.01), days=st.integers(2, 20))
def test_one_ratio_that_no_split_explains_restates_all(ratio: float, days: int) -> None:
    bars = bars_of(days)
    verdict = compared(known(bars), times(bars, 1 / ratio), ())
    assert isinstance(verdict, Restated)
    assert verdict.ratio == pytest.approx(ratio, rel=1e-5)
    assert not verdict.splits


def test_two_splits_at_once_restate_by_both() -> None:
    bars, splits = bars_of(4), (split_on(4, 2.0), split_on(5, 3.0))
    assert compared(known(bars), times(bars, 1 / 6), splits) == Restated(6.0, splits, {1: True})


def test_a_split_that_the_source_has_not_applied_yet_changes_nothing() -> None:
    bars = bars_of(5)
    assert compared(known(bars), bars, [split_on(5)]) == Unchanged()


@pytest.mark.parametrize("unit", [100, 1_000, 0.01, 0.001])
def test_pounds_for_pence_is_no_restatement(unit: float) -> None:
    verdict = compared(known(bars_of(5)), times(bars_of(5), unit), ())
    assert isinstance(verdict, Varies)
    assert "another unit" in verdict.reason


def test_a_split_of_a_hundred_for_one_is_a_restatement() -> None:
    bars, split = bars_of(5), split_on(5, 100.0)
    assert compared(known(bars), times(bars, 0.01), [split]) == Restated(100.0, (split,), {1: True})


def test_a_split_applied_to_a_part_of_the_bars_is_a_fault() -> None:
    bars = bars_of(6)
    half_done = times(bars, np.where(np.arange(6) < 3, 1.0, 0.25))
    verdict = compared(known(bars), half_done, [split_on(6)])
    assert isinstance(verdict, Varies)
    assert "a part" in verdict.reason


@pytest.mark.parametrize("ratio", [1.1, 4.0, 0.25])
def test_the_week_of_a_split_that_was_applied_after_it_comes_as_after_it_and_the_weeks_before_are_restated(
    ratio: float,
) -> None:
    """Its open was told in old shares and its close in new ones; its high and low were of the one or of the other."""
    now, split = bars_of(6), Split(FIRST + 4 * DAY + 1, ratio, FIRST + 4 * DAY)
    stored = times(now, np.where(now.at < split.since, ratio, 1.0))
    opened = np.where(now.at == split.since, now.open * ratio, stored.open)
    high, low = np.maximum(stored.high, opened), np.minimum(stored.low, opened)
    stored = replace(stored, open=opened, high=high, low=low)
    assert compared(known(stored), now, [split]) == Restated(ratio, (split,), {1: True})
    # Not where the week is off by what its split does not explain, or its close is.
    for name, factor in (("open", 1 / ratio), ("close", ratio)):
        off = replace(now, **{name: np.where(now.at == split.since, getattr(now, name) * factor, getattr(now, name))})
        assert isinstance(compared(known(stored), off, [split]), Varies), name


SPLIT_LATER = split_on(81, 1.5)


def months_apart(has_split: np.ndarray) -> tuple[Known, Bars]:
    """Of a price that loses half, five bars that were stored in old shares and ten much later as they come now, and all bars of
    the months as they come: those that have the split in new shares.
    """
    told = times(bars_of(80), np.exp(-0.01 * np.arange(80)) / np.where(has_split, 1.5, 1.0))
    there, is_old = np.r_[0:5, 70:80], np.arange(15) < 5
    bars = times(told.where(there), np.where(is_old & has_split[there], 1.5, 1.0))
    factor = np.where(~is_old & has_split[there], 1.5, 1.0)
    return Known(bars, factor, np.where(is_old, 1, 2)), told


def test_the_price_is_followed_over_all_bars_that_came_between_stored_ones() -> None:
    stored, told = months_apart(np.ones(80, dtype=np.bool_))
    assert compared(stored, told, (SPLIT_LATER,)) == Restated(1.5, (SPLIT_LATER,), {1: True})


def test_a_split_applied_up_to_a_bar_between_stored_ones_is_a_fault() -> None:
    stored, told = months_apart(np.arange(80) >= 40)
    told = times(told, np.where(np.arange(80) < 5, 1 / 1.5, 1.0))
    assert isinstance(compared(stored, told, (SPLIT_LATER,)), Varies)


def test_bars_of_the_split_day_that_are_still_in_old_prices_are_a_fault() -> None:
    now, split = bars_of(6), split_on(3)
    stored = times(now, np.where(now.at < split.at, 4.0, 1.0))
    late = times(now, np.where(np.arange(6) == 3, 4.0, 1.0))
    assert isinstance(compared(known(stored), late, [split]), Varies)


def test_stored_bars_of_which_some_landings_have_the_split_already_are_mended() -> None:
    now, split = bars_of(6), split_on(6)
    landings = np.array([1, 1, 2, 2, 3, 3])
    stored = times(now, np.where(landings == 2, 1.0, 4.0))
    verdict = compared(known(stored, landing=landings), now, [split])
    assert verdict == Restated(4.0, (split,), {1: True, 2: False, 3: True})


def test_a_source_that_forgets_a_split_is_a_fault() -> None:
    bars, split = bars_of(5), split_on(5)
    verdict = compared(known(bars, (split,)), times(bars, 4.0), [split])
    assert isinstance(verdict, Varies)
    assert "before a split" in verdict.reason


def test_one_bar_that_was_corrected_a_little_is_a_revision() -> None:
    bars = bars_of(5)
    verdict = compared(known(bars), replace(bars, close=bars.close * np.array([1, 1, 1, 1.003, 1])), ())
    assert isinstance(verdict, Revised)
    assert (verdict.bars, verdict.first) == (1, int(bars.at[3]))
    assert verdict.largest == pytest.approx(0.003, rel=1e-3)


def test_one_bar_in_another_unit_is_a_fault() -> None:
    bars = bars_of(5)
    factor = np.array([1, 1, 100, 1, 1])
    verdict = compared(known(bars), times(bars, factor), ())
    assert isinstance(verdict, Varies)
    assert verdict.first == int(bars.at[2])
    assert verdict.highest == pytest.approx(100)


@given(seed=st.integers(0, 500))
def test_ratios_that_vary_are_a_fault(seed: int) -> None:
    bars = bars_of(8)
    factor = np.random.default_rng(seed).uniform(0.3, 3.0, 8)
    assert isinstance(compared(known(bars), times(bars, factor), ()), Varies)


def test_most_bars_changed_a_little_each_by_another_ratio_is_a_fault() -> None:
    bars = bars_of(5)
    verdict = compared(known(bars), times(bars, np.array([1.01, 0.98, 1.03, 1.02, 0.99])), ())
    assert isinstance(verdict, Varies)


def test_bars_that_had_not_settled_are_not_compared() -> None:
    bars = bars_of(1)
    unfinished = replace(bars, provisional=np.ones(1, dtype=np.bool_))
    assert compared(known(unfinished), times(bars, 1.5), ()) == Unchanged()
    assert compared(known(bars), times(unfinished, 1.5), ()) == Unchanged()


@pytest.mark.parametrize(("factor", "expected"), [(1.0, (0, 1)), (2.0, (1,)), (3.0, (0,)), (6.0, ())])
def test_the_splits_that_a_price_lacks_are_told_from_its_factor(factor: float, expected: tuple[int, ...]) -> None:
    splits = (split_on(5, 2.0), split_on(6, 3.0))
    assert missing(factor, FIRST, splits) == tuple(splits[place] for place in expected)


def with_spike(bars: Bars, place: int, factor: float) -> Bars:
    """Bars of which one is off by a factor."""
    return times(bars, np.where(np.arange(len(bars)) == place, factor, 1.0))


@pytest.mark.parametrize("factor", [0.47, 1.6, 100.0, 0.01])
@pytest.mark.parametrize("place", [1, 3, 5])
def test_a_bar_that_stood_apart_and_came_back_to_its_neighbours_is_revised(place: int, factor: float) -> None:
    bars = bars_of(7)
    found = compared(known(with_spike(bars, place, factor)), bars, ())
    assert isinstance(found, Revised)
    assert (found.bars, found.first) == (1, int(bars.at[place]))


@pytest.mark.parametrize("factor", [0.47, 1.6, 100.0, 0.01])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_bar_that_went_away_from_its_neighbours_is_not_believed(place: int, factor: float) -> None:
    bars = bars_of(7)
    assert isinstance(compared(known(bars), with_spike(bars, place, factor), ()), Varies)


def test_a_bar_that_went_from_one_wrong_level_to_another_is_not_believed() -> None:
    bars = bars_of(7)
    assert isinstance(compared(known(with_spike(bars, 3, 100.0)), with_spike(bars, 3, 2.0), ()), Varies)


@pytest.mark.parametrize("place", [0, 6])
def test_at_the_end_of_what_came_again_only_an_impossible_price_is_put_right(place: int) -> None:
    bars = bars_of(7)
    assert isinstance(compared(known(with_spike(bars, place, 100.0)), bars, ()), Revised)
    assert isinstance(compared(known(with_spike(bars, place, 1.6)), bars, ()), Varies)


def test_runs_of_bars_in_another_unit_that_were_put_right_are_revised() -> None:
    bars = bars_of(23)
    wrong = times(bars, np.where((np.arange(23) < 4) | (np.arange(23) > 12), 0.01, 1.0))
    found = compared(known(wrong), bars, ())
    assert isinstance(found, Revised)
    assert found.bars == 14
    assert isinstance(compared(known(bars), wrong, ()), Varies)


def test_what_differs_by_noise_is_not_counted_as_revised() -> None:
    bars = bars_of(7)
    found = compared(known(bars), times(bars, np.where(np.arange(7) == 4, 1.01, 1 + 2.0**-23)), ())
    assert isinstance(found, Revised)
    assert (found.bars, found.first) == (1, int(bars.at[4]))


@pytest.mark.parametrize(("factor", "until"), [(10.0, 13), (0.44, 15), (5.0, 2), (2.0, 39)])
def test_whole_runs_that_came_back_by_one_ratio_and_join_now_are_revised(factor: float, until: int) -> None:
    bars = bars_of(40)
    wrong = times(bars, np.where(np.arange(40) < until, factor, 1.0))
    verdict = compared(known(wrong), bars, ())
    assert isinstance(verdict, Revised)
    assert verdict.bars == until
    assert isinstance(compared(known(bars), wrong, ()), Varies)


@pytest.mark.parametrize("spoilt", [[4], [1, 4], [0, 1, 2, 3, 4, 5]])
def test_bars_that_were_found_good_as_they_came_are_revised_however_much_and_tell_nothing_of_others(
    spoilt: list[int],
) -> None:
    bars = bars_of(6)
    now = times(bars, np.where(np.isin(np.arange(6), spoilt), 10.0, 1.0))
    found = compared(known(bars), now, (), bars.at[spoilt])
    assert found == Revised(len(spoilt), int(bars.at[spoilt[0]]), pytest.approx(9.0))
    assert compared(known(bars), bars, (), bars.at[spoilt]) == Unchanged()
    if len(spoilt) < len(bars):
        assert isinstance(compared(known(bars), now, ()), Varies)


def test_a_split_is_seen_beside_a_bar_that_was_found_good_as_it_came() -> None:
    bars, split = bars_of(5), split_on(6)
    factor = np.array([0.25, 0.25, 10.0, 0.25, 0.25])
    assert compared(known(bars), times(bars, factor), [split], bars.at[2:3]) == Restated(4.0, (split,), {1: True})


def test_several_splits_that_had_been_applied_and_are_not_any_more_are_no_restatement() -> None:
    """They were told of, and the source has not applied them yet."""
    bars, splits = bars_of(5), (split_on(6, 0.1), split_on(8, 4.0))
    for ratio in (0.1, 4.0, 0.4):
        verdict = compared(known(bars, splits), times(bars, ratio), splits)
        assert isinstance(verdict, Varies), ratio
        assert "before a split that had been applied" in verdict.reason


@pytest.mark.parametrize("price", [-37.63, 0.0])
@pytest.mark.parametrize("place", [2, 3, 4])
def test_a_split_is_seen_beside_prices_that_are_not_positive(price: float, place: int) -> None:
    bars = bars_of(8)
    bars = replace(bars, close=np.where(np.arange(8) == place, price, bars.close))
    split = split_on(4)
    stored = replace(known(times(bars, np.where(bars.at < split.at, 4.0, 1.0))), split_factor=np.ones(8))
    assert compared(stored, bars, (split,)) == Restated(4.0, (split,), {1: True})


@pytest.mark.parametrize("price", [-37.63, 0.0])
def test_a_price_that_is_not_positive_is_put_right_and_does_not_replace_a_good_one(price: float) -> None:
    good = bars_of(8)
    odd = replace(good, close=np.where(np.arange(8) == 4, price, good.close))
    found = compared(known(odd), good, ())
    assert isinstance(found, Revised)
    assert math.isfinite(found.largest)
    found = compared(known(good), odd, ())
    assert isinstance(found, Varies)
    assert math.isfinite(found.lowest)


def test_a_bar_that_is_zero_throughout_says_nothing_of_a_split() -> None:
    bars = times(bars_of(6), np.where(np.arange(6) == 2, 0.0, 1.0))
    split = split_on(8)
    stored = replace(known(bars), split_factor=np.ones(6))
    assert compared(stored, times(bars, 0.25), (split,)) == Restated(4.0, (split,), {1: True})
    assert compared(stored, bars, (split,)) == Unchanged()
