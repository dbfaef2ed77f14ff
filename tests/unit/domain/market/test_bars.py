"""Bars in columns."""

from __future__ import annotations

import numpy as np

from stockjobs.domain.market.bars import COLUMNS, Bars


def some() -> Bars:
    at = np.array([10, 20, 30])
    prices = np.array([1.0, 2.0, 3.0])
    return Bars(at, prices, prices, prices, prices, at * 100, np.array([False, False, True]))


def test_no_bars_have_no_length_and_typed_columns() -> None:
    empty = Bars.empty()
    assert len(empty) == 0
    assert [getattr(empty, name).dtype for name in COLUMNS] == [getattr(some(), name).dtype for name in COLUMNS]


def test_a_mask_keeps_the_same_bars_in_every_column() -> None:
    kept = some().where(np.array([True, False, True]))
    assert kept.at.tolist() == [10, 30]
    assert kept.close.tolist() == [1.0, 3.0]
    assert kept.provisional.tolist() == [False, True]


def test_places_put_bars_in_another_order() -> None:
    assert some().where(np.array([2, 0])).volume.tolist() == [3000, 1000]
