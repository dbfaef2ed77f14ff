"""Continuing: what goes on from what is stored needs no look of its own, which would find just the same."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.changes import SAME, changes, overlap, overlap_of_all
from stockjobs.domain.market.continuing import Following, continued
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.restatement import Known, Unchanged, compared
from stockjobs.domain.market.splits import in_price

ZONE = ZoneInfo("America/New_York")
HOUR, DAY = 3_600, 86_400
OPEN = 1_704_205_800
"""When New York opened on the 2nd of January 2024."""


def daily(first: int, count: int, shift: int = 0) -> Bars:
    """Bars of so many days in a row; the price of each says which day it is of."""
    days = np.arange(first, first + count)
    price = 100.0 + days
    return Bars(
        OPEN + days * DAY + shift, price, price + 1, price - 1, price, days + 10, np.zeros(count, dtype=np.bool_)
    )


def following(stored: Bars, came: Bars) -> Following:
    return Following(stored, np.full(len(stored), 2.0), came, Interval.D1)


@st.composite
def answers(draw: st.DrawFn) -> Following:
    """An answer beside what is stored: some days of both, at other hours, at other prices, unfinished."""
    stored = daily(0, 8).where(np.array(draw(st.lists(st.booleans(), min_size=8, max_size=8))))
    came = daily(draw(st.integers(0, 9)), draw(st.integers(1, 5)))
    shift = draw(st.lists(st.sampled_from([0, 0, 0, -5 * HOUR, 5 * HOUR]), min_size=5, max_size=5))
    times = draw(st.lists(st.sampled_from([1, 1, 1 + SAME / 4, 1.01, 0.5]), min_size=5, max_size=5))
    open_ = draw(st.lists(st.sampled_from([False, False, True]), min_size=5, max_size=5))
    count = len(came)
    came = replace(
        came,
        at=came.at + np.array(shift[:count]),
        close=came.close * np.array(times[:count]),
        provisional=np.array(open_[:count]),
    )
    return following(stored, came)


@given(st.lists(answers(), max_size=5))
def test_what_goes_on_is_unchanged_and_stays_in_its_place_and_in_its_shares(given_: list[Following]) -> None:
    for one, factor in zip(given_, continued(given_), strict=True):
        if factor is not None:
            landings = np.ones(len(one.stored), dtype=np.int64)
            assert in_place(one.stored, one.came, Interval.D1, ZONE) is one.came
            assert compared(Known(one.stored, one.split_factor, landings), one.came, ()) == Unchanged()
            span = (one.stored.at >= one.came.at[0]) & (one.stored.at <= one.came.at[-1])
            wanted = in_price(one.came.at, one.stored.at[span], one.split_factor[span], ())
            assert factor.tolist() == wanted.tolist()


def test_what_came_again_as_it_was_goes_on_with_the_splits_that_it_has() -> None:
    [factor] = continued([following(daily(0, 3), daily(2, 3))])
    assert factor is not None
    assert factor.tolist() == [2.0, 1.0, 1.0]


def test_each_of_several_is_held_against_its_own() -> None:
    found = continued(
        [
            following(daily(0, 3), daily(2, 3)),
            following(daily(0, 3), replace(daily(2, 3), close=daily(2, 3).close * 1.01)),
            following(daily(0, 0), daily(0, 2)),
            following(daily(0, 3), daily(2, 1)),
        ]
    )
    assert [one is not None for one in found] == [True, False, True, True]


@pytest.mark.parametrize(
    "came",
    [
        pytest.param(replace(daily(2, 3), low=daily(2, 3).low / 2), id="at another price"),
        pytest.param(daily(1, 2, shift=-5 * HOUR), id="at another hour"),
        pytest.param(daily(3, 2, shift=-5 * HOUR), id="near the last stored one"),
    ],
)
def test_what_came_otherwise_is_looked_at(came: Bars) -> None:
    assert continued([following(daily(0, 3), came)]) == [None]


def test_what_came_between_stored_bars_is_looked_at() -> None:
    stored = daily(0, 5).where(np.array([True, True, False, True, True]))
    assert continued([following(stored, daily(1, 5))]) == [None]


def test_an_unfinished_bar_may_have_other_prices() -> None:
    stored = replace(daily(0, 3), provisional=np.array([False, False, True]))
    came = replace(daily(2, 3), close=daily(2, 3).close * 1.01)
    [factor] = continued([following(stored, came)])
    assert factor is not None


@given(st.lists(answers(), min_size=1, max_size=5))
def test_one_look_at_several_finds_what_a_look_at_each_does(given_: list[Following]) -> None:
    both = overlap_of_all([one.stored for one in given_], [one.came for one in given_])
    stored = came = 0
    places: list[tuple[int, int]] = []
    for one in given_:
        alone = overlap(one.stored, one.came)
        places += zip((alone.stored + stored).tolist(), (alone.came + came).tolist(), strict=True)
        stored, came = stored + len(one.stored), came + len(one.came)
    assert list(zip(both.stored.tolist(), both.came.tolist(), strict=True)) == places


def test_nothing_beside_nothing_changes_nothing() -> None:
    nothing = Bars.empty()
    assert not len(changes(nothing, nothing, overlap_of_all([nothing], [nothing])).new)
    assert continued([]) == []
