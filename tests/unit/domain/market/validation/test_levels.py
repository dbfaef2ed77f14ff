"""Units, splits and spikes: prices at a wrong level are found, and prices that only move are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Context, validate
from tests.unit.domain.market.validation.series import (
    LONDON,
    NEW_YORK,
    NOW,
    bars_at,
    held,
    noted,
    spans,
    split,
    tail,
    times_off,
)

DAY = 86_400
START = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp())
DAYS = [START + DAY * number for number in range(40)]
PLAIN = Context(NOW, Interval.D1)
PENCE = replace(PLAIN, unit=0.01, zone=LONDON)


@pytest.mark.parametrize("factor", [10, 100, 1_000, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("which", [[20], [0], [39], [3, 4, 5], [7, 20, 33]])
def test_bars_in_another_unit_are_held_and_no_others(factor: float, which: list[int]) -> None:
    assert held(times_off(bars_at(DAYS), factor, which), PLAIN) == {"unit-jump": which}


@pytest.mark.parametrize("columns", [("close", "high"), ("open", "high"), ("open", "low"), ("high",), ("low",)])
def test_a_bar_of_which_some_prices_are_in_another_unit_is_held_whole(columns: tuple[str, ...]) -> None:
    factor = 0.01 if "low" in columns else 100
    assert held(times_off(bars_at(DAYS), factor, [20], columns), PLAIN) == {"unit-jump": [20]}


def test_a_month_in_pounds_among_pence_is_held_even_where_it_is_the_greater_part() -> None:
    pounds = [*range(8), *range(18, 40)]
    assert held(times_off(bars_at(DAYS), 0.01, pounds), PENCE) == {"unit-jump": pounds}


def test_without_a_part_of_the_currency_the_lesser_part_is_held() -> None:
    assert held(times_off(bars_at(DAYS), 100, list(range(12))), PLAIN) == {"unit-jump": list(range(12))}


def test_a_whole_answer_is_held_against_the_stored_bars_before_it() -> None:
    whole = bars_at(DAYS)
    before, after = whole.where(np.arange(40) < 30), whole.where(np.arange(40) >= 30)
    context = replace(PLAIN, before=tail(before))
    assert held(times_off(after, 100, slice(None)), context) == {"unit-jump": list(range(10))}
    assert held(after, context) == {}


def test_stored_bars_from_long_ago_say_nothing() -> None:
    context = replace(PLAIN, before=tail(bars_at([at - 400 * DAY for at in DAYS])))
    assert held(times_off(bars_at(DAYS), 100, slice(None)), context) == {}


def test_a_new_split_explains_the_step_from_the_stored_bars() -> None:
    whole = bars_at(DAYS)
    before, after = whole.where(np.arange(40) < 30), whole.where(np.arange(40) >= 30)
    context = replace(PLAIN, before=tail(before), actions=(split(DAYS[33], 0.01),))
    assert held(times_off(after, 100, slice(None)), context) == {}


def test_a_price_that_goes_up_tenfold_among_wild_ones_is_noted_and_kept() -> None:
    closes = [1.0, 1.3, 0.8, 1.2, 0.7, 1.1, 0.9, 1.4, 1.0, 10.5, 9.0, 13.0, 8.5, 11.0]
    checked = validate(bars_at(DAYS[:14], closes), PLAIN)
    assert checked.rejected == ()
    assert noted(checked) == {"jump": 1}


def test_a_fall_that_stays_is_noted_and_kept() -> None:
    closes = [100.0] * 10 + [22.0] * 10
    checked = validate(bars_at(DAYS[:20], closes), PLAIN)
    assert (checked.rejected, noted(checked)) == ((), {"jump": 1})


def test_a_price_that_goes_up_fivefold_and_comes_back_is_held() -> None:
    assert held(bars_at(DAYS[:9], [10.0, 10.1, 10.0, 52.0, 10.2, 10.1, 10.0, 10.0, 10.0]), PLAIN) == {"spike": [3]}


def test_prices_of_a_few_ticks_are_noted_and_kept_whatever_they_do() -> None:
    closes = [0.0001, 0.0003, 0.0001, 0.001, 0.0001, 0.0001, 0.0004, 0.0002, 0.0002, 0.0002, 0.0001]
    checked = validate(bars_at(DAYS[:11], closes), PLAIN)
    assert checked.rejected == ()
    assert set(noted(checked)) == {"jump"}


@pytest.mark.parametrize(
    "ratios", [(2.0, 5.0), (3.0, 10 / 3), (0.1, 0.1), (8.0, 1.25), (10.0, 2.0), (7.0, 0.2), (2.0, 0.5), (4.0, 5.0, 0.5)]
)
def test_several_new_splits_together_explain_the_step_from_the_stored_bars(ratios: tuple[float, ...]) -> None:
    whole = float(np.prod(ratios))
    before, after = times_off(bars_at(DAYS[:30]), whole, slice(None)), bars_at(DAYS[25:])
    told = tuple(split(DAYS[31 + number], ratio) for number, ratio in enumerate(ratios))
    context = replace(PLAIN, before=tail(before.where(np.arange(30) < 25)), actions=told)
    assert held(after, context) == {}


def test_a_split_that_the_source_applied_late_explains_the_step_from_the_stored_bars() -> None:
    whole = bars_at(DAYS)
    before, after = whole.where(np.arange(40) < 30), whole.where(np.arange(40) >= 30)
    context = replace(PLAIN, before=tail(before), actions=(split(DAYS[27], 0.1),))
    assert held(times_off(after, 10, slice(None)), context) == {}
    long_ago = replace(context, actions=(split(DAYS[3], 0.1),))
    assert held(times_off(after, 10, slice(None)), long_ago) == {"unit-jump": list(range(10))}


def test_prices_that_move_are_left_alone() -> None:
    closes = [10.0, 14.0, 9.0, 16.0, 11.0, 20.0, 12.0, 25.0, 15.0, 30.0, 18.0]
    checked = validate(bars_at(DAYS[:11], closes), PLAIN)
    assert (checked.rejected, checked.noted) == ((), ())


@pytest.mark.parametrize("ratio", [4.0, 7.0, 2.0, 1.5, 0.1, 0.4714285])
@pytest.mark.parametrize("which", [slice(0, 25), slice(10, 11), slice(8, 12)])
def test_bars_from_before_a_split_in_its_old_prices_are_held(ratio: float, which: slice) -> None:
    context = replace(PLAIN, actions=(split(DAYS[25], ratio),))
    bars = times_off(bars_at(DAYS), ratio, which)
    assert held(bars, context) == {"unsplit": list(range(40))[which]}


def test_a_split_that_was_applied_is_no_trouble() -> None:
    assert held(bars_at(DAYS), replace(PLAIN, actions=(split(DAYS[25], 4.0),))) == {}


def test_a_consolidation_with_a_dividend_that_explains_the_fall_is_no_trouble() -> None:
    closes = [456.9, 448.4, 461.2, 205.1, 197.9, 196.8]
    ex = datetime.fromtimestamp(DAYS[3], UTC)
    paid = CorporateAction("dividend", ex, 243.94)
    context = replace(PENCE, actions=(split(DAYS[3], 0.471428571), paid))
    assert held(bars_at(DAYS[:6], closes), context) == {}
    once = [456.9, 448.4 * 0.471428571, 461.2, 205.1, 197.9, 196.8]
    assert held(bars_at(DAYS[:6], once), context) == {"unsplit": [1]}


def minutes(*closes: float) -> tuple[list[int], list[float]]:
    opened = int(datetime(2014, 6, 9, 9, 30, tzinfo=NEW_YORK).timestamp())
    return [opened + 60 * number for number in range(len(closes))], list(closes)


def test_the_first_minutes_of_a_split_day_in_old_prices_are_held() -> None:
    at, closes = minutes(645.6, 646.2, 645.9, 92.4, 92.5, 92.3, 92.4, 92.6, 92.5, 92.4)
    bars = bars_at(at, closes)
    # The minute in which the prices change begins in the old ones.
    bars.open[3], bars.high[3] = 645.9, 646.0
    sessions = spans("XNYS", datetime(2014, 6, 9).date(), datetime(2014, 6, 9).date())
    context = Context(NOW, Interval.M1, NEW_YORK, sessions, (split(at[0], 7.0),))
    assert held(bars, context) == {"unsplit": [0, 1, 2, 3]}
    known = replace(context, before=tail(bars_at([at[0] - 3 * DAY + 60 * n for n in range(5)], [92.2] * 5)))
    assert held(bars, known) == {"unsplit": [0, 1, 2, 3]}


def test_the_newest_bar_alone_in_old_prices_is_held() -> None:
    bars = times_off(bars_at(DAYS[:26]), 4.0, [25])
    assert held(bars, replace(PLAIN, actions=(split(DAYS[25], 4.0),))) == {"unsplit": [25]}


CLOSES = st.lists(st.floats(-0.05, 0.05), min_size=8, max_size=40).map(
    lambda moves: (50 * np.exp(np.cumsum(moves))).tolist()
)


@given(CLOSES, st.sampled_from([100.0, 1_000.0, 0.01, 0.001]), st.data())
def test_whatever_one_bar_is_off_by_it_alone_is_held(closes: list[float], factor: float, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(closes) - 1))
    bars = times_off(bars_at(DAYS[: len(closes)], closes), factor, [place])
    assert held(bars, PLAIN) == {"unit-jump": [place]}


@given(CLOSES)
def test_a_walk_of_small_steps_is_good_in_any_unit(closes: list[float]) -> None:
    bars = bars_at(DAYS[: len(closes)], closes)
    for context in (PLAIN, PENCE, replace(PLAIN, actions=(split(DAYS[5], 2.0), split(DAYS[6], 0.1)))):
        assert validate(bars, context).rejected == ()


def test_the_split_day_alone_in_old_prices_is_held_and_what_is_before_it_is_not() -> None:
    bars = times_off(bars_at(DAYS), 0.1, [25])
    assert held(bars, replace(PLAIN, actions=(split(DAYS[25], 0.1),))) == {"unsplit": [25]}


def test_a_great_split_is_told_from_prices_of_few_ticks() -> None:
    closes = [3.0, 3.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 0.0001, 1.0, 1.0, 1.02, 0.94, 0.8, 0.81]
    bars = bars_at(DAYS[:15], closes)
    assert held(bars, replace(PLAIN, actions=(split(DAYS[10], 0.0001),))) == {"unsplit": [8]}


@pytest.mark.parametrize(("ratio", "apart"), [(0.4406, 1.0), (2.0, 1.0), (2.0, 1.01)])
def test_bars_that_step_exactly_by_a_split_of_the_next_days_are_held_up_to_there(ratio: float, apart: float) -> None:
    closes = [0.12 * ratio * apart] * 15 + [0.12] * 8
    found = held(bars_at(DAYS[:23], closes, volume=0), replace(PLAIN, actions=(split(DAYS[21], ratio),)))
    assert found == ({"unsplit": list(range(15))} if apart == 1.0 else {})


DECLINE = [57.0, 54.0, 52.5, 51.7, 49.0, 45.0, 38.4, 39.4, 37.3, 38.3, 43.0, 2.25, 2.2, 1.9, 1.6, 1.5]
"""A rights issue halves the price in the days after a consolidation."""


@pytest.mark.parametrize(
    ("closes", "ratio", "step"),
    [(DECLINE, 0.1, 11), ([1_000.0] * 11 + [101.0, 99.0, 100.0], 10.0, 11), ([3.0] * 13 + [14.6] * 4, 0.2, 13)],
)
def test_bars_up_to_a_step_some_sessions_after_a_split_are_held(closes: list[float], ratio: float, step: int) -> None:
    context = replace(PLAIN, actions=(split(DAYS[7], ratio),))
    checked = validate(bars_at(DAYS[: len(closes)], closes), context)
    assert [one.at for one in checked.rejected] == DAYS[:step]
    told = checked.rejected[0].values
    assert (told["split"], told["ratio"]) == (f"{datetime.fromtimestamp(DAYS[7], UTC):%Y-%m-%d}", ratio)
    assert told["step"] == f"{datetime.fromtimestamp(DAYS[step], UTC):%Y-%m-%d}"


def test_bars_after_such_a_step_are_good_whatever_is_stored_before_it() -> None:
    bars = times_off(bars_at(DAYS[:16]), 10.0, slice(0, 11))
    context = replace(PLAIN, actions=(split(DAYS[7], 0.1),), before=tail(bars.where(np.arange(16) < 9)))
    assert held(bars.where(np.arange(16) > 8), context) == {"unsplit": [0, 1]}


def test_one_bar_alone_after_a_split_does_not_tell_that_all_before_it_are_wrong() -> None:
    whole = bars_at(DAYS[:16], DECLINE)
    context = replace(PLAIN, actions=(split(DAYS[7], 0.1),), before=tail(whole.where(np.arange(16) < 6)))
    assert held(whole.where((np.arange(16) > 5) & (np.arange(16) < 12)), context) == {"unsplit": [5]}
    assert held(whole.where((np.arange(16) > 5) & (np.arange(16) < 13)), context) == {"unsplit": list(range(5))}


def test_some_days_from_a_split_on_in_old_prices_are_held_and_what_is_before_them_is_not() -> None:
    bars = times_off(bars_at(DAYS), 4.0, [25, 26, 27])
    assert held(bars, replace(PLAIN, actions=(split(DAYS[25], 4.0),))) == {"unsplit": [25, 26, 27]}


@pytest.mark.parametrize(("ratio", "fall"), [(0.25, 0.3), (0.1, 0.35), (0.1, 0.2), (0.5, 0.5)])
def test_a_price_that_falls_in_the_days_after_a_consolidation_is_kept(ratio: float, fall: float) -> None:
    closes = [5.0, 5.1, 4.9, 5.0, 5.1, 4.8, 5.0, 4.9, 5.0 * fall, 5.1 * fall, 4.9 * fall]
    context = replace(PLAIN, actions=(split(DAYS[4], ratio),))
    assert held(bars_at(DAYS[:11], closes), context) == {}


@pytest.mark.parametrize("context", [PLAIN, PENCE])
@pytest.mark.parametrize("factor", [0.01, 100])
def test_copies_of_a_last_price_are_held_where_only_the_other_level_has_trades(context: Context, factor: float) -> None:
    copies = [*range(4), *range(13, 23)]
    bars = times_off(bars_at(DAYS[:23], [14.55] * 23, volume=0), factor, copies)
    bars.volume[11] = 500_000
    assert held(bars, context) == {"unit-jump": copies}
