"""Explaining: bars that were set aside while nobody knew of a split, told in the shares of now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.explaining import lacked
from stockjobs.domain.market.splits import Split, factors, in_new_shares

DAY = 86_400
FIRST = 1_700_000_000 // DAY * DAY
SPLITS = (Split(FIRST + 90 * DAY, 10.0), Split(FIRST + 95 * DAY, 0.25))


def bars_of(days: int, seed: int = 1) -> Bars:
    """Daily bars of a price that wanders, in the shares of now."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days)))
    return Bars(
        FIRST + np.arange(days) * DAY,
        *(close, close * 1.01, close * 0.99, close),
        np.full(days, 1_000_000),
        np.zeros(days, dtype=np.bool_),
    )


def as_before(bars: Bars, splits: tuple[Split, ...]) -> Bars:
    """Bars as they came before some splits were applied."""
    return in_new_shares(bars, 1 / factors(bars.at, splits))


@given(applied=st.integers(0, 2), first=st.integers(1, 60), length=st.integers(1, 20), seed=st.integers(0, 100))
def test_bars_are_told_in_the_shares_of_the_stored_ones_whatever_had_been_applied(
    applied: int, first: int, length: int, seed: int
) -> None:
    whole = bars_of(85, seed)
    inside = (np.arange(85) >= first) & (np.arange(85) < first + length)
    good, stored = whole.where(inside), whole.where(~inside)
    came = as_before(good, SPLITS[applied:])
    lacks = lacked(came, stored, SPLITS)
    assert lacks == SPLITS[applied:]
    found = in_new_shares(came, factors(came.at, lacks))
    assert found.close == pytest.approx(good.close, rel=1e-12)
    assert found.volume.tolist() == good.volume.tolist()


def test_bars_at_a_level_to_which_no_split_leads_are_not_explained() -> None:
    whole = bars_of(60)
    wrong = in_new_shares(whole.where(np.arange(60) >= 50), np.full(10, 100.0))
    assert lacked(wrong, whole.where(np.arange(60) < 50), SPLITS) is None


def test_bars_with_nothing_near_them_are_not_explained() -> None:
    whole = bars_of(80)
    far = whole.where(np.arange(80) >= 70)
    assert lacked(far, whole.where(np.arange(80) < 30), SPLITS) is None
    assert lacked(far, Bars.empty(), SPLITS) is None


def test_bars_without_a_positive_price_are_not_explained() -> None:
    whole = bars_of(60)
    aside = whole.where(np.arange(60) >= 50)
    assert lacked(replace(aside, close=np.zeros(10)), whole.where(np.arange(60) < 50), SPLITS) is None


def test_a_bar_that_begins_in_old_shares_and_ends_in_new_ones_is_not_explained() -> None:
    whole = bars_of(60)
    stored, aside = whole.where(np.arange(60) < 50), whole.where(np.arange(60) >= 50)
    assert lacked(aside, stored, SPLITS) is not None
    aside.open[0], aside.high[0] = aside.close[0] * 7, aside.close[0] * 7
    assert lacked(aside, stored, SPLITS) is None
