"""Changes: which bars of an answer are to be written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.changes import SAME, changes
from stockjobs.domain.market.splits import Split, factors, together

masks = st.lists(st.booleans(), min_size=30, max_size=30).map(lambda flags: np.array(flags, dtype=np.bool_))


def bars_of(days: int) -> Bars:
    price = np.linspace(100, 99 + days, days)
    marks = np.zeros(days, dtype=np.bool_)
    return Bars(np.arange(days) * 86_400, price, price + 1, price - 1, price, np.full(days, 10), marks)


@given(there=masks, came=masks)
def test_what_is_not_stored_is_new_and_nothing_else_changes(there: np.ndarray, came: np.ndarray) -> None:
    every = bars_of(30)
    found = changes(every.where(there), every.where(came))
    assert found.new.tolist() == [not there[place] for place in np.flatnonzero(came)]
    assert not found.changed.any()


@given(moved=masks)
def test_exactly_the_bars_that_differ_are_changed(moved: np.ndarray) -> None:
    every = bars_of(30)
    came = replace(every, close=every.close * np.where(moved, 1 + 4 * SAME, 1 + SAME / 4))
    assert changes(every, came).changed.tolist() == moved.tolist()


@given(was=masks, comes=masks)
def test_only_a_final_bar_replaces_a_final_one(was: np.ndarray, comes: np.ndarray) -> None:
    stored = replace(bars_of(30), provisional=was)
    came = replace(bars_of(30), provisional=comes, volume=np.full(30, 11))
    assert changes(stored, came).changed.tolist() == (was | ~comes).tolist()


def test_a_bar_has_the_splits_after_it() -> None:
    splits = together((Split(86_400, 2.0), Split(3 * 86_400, 5.0)), (Split(3 * 86_400, 3.0),))
    assert factors(bars_of(5).at, splits).tolist() == [6.0, 3.0, 3.0, 1.0, 1.0]
