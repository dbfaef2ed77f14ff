"""Windows in other shares, explained by splits that are told of later."""

from __future__ import annotations

import numpy as np
import pytest

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.findings import FindingKind, FindingState
from tests.fixtures.history import (
    Telling,
    assert_as_told,
    assert_nothing_is_missing,
    collect,
    day,
    divided,
    findings,
    parts,
    stored,
)
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def test_windows_that_landed_before_the_split_was_heard_of_are_told_apart(house: House, source: Telling) -> None:
    """Some in old shares, some in new ones; the split is told of by none of them."""
    parts = [(590, 560), (560, 530), (530, 500), (500, 470)]
    for number, (start, end) in enumerate(parts):
        window = {"start": f"{day(start):%Y-%m-%d}", "end": f"{day(end):%Y-%m-%d}"}
        house.define(f"P{number}", symbols=["AAPL"], mode="backfill", window=window)
    collect(house, "P2")
    collect(house, "P0")
    source.split(4.0, day(0), event=False)
    collect(house, "P1")
    collect(house, "P3")
    source.actions = (CorporateAction("split", day(0), 4.0),)
    house.define("REST", symbols=["AAPL"], mode="backfill", window={"start": f"{day(470):%Y-%m-%d}"})
    collect(house, "REST")
    assert_as_told(house, source)
    assert {row["split_factor"] for row in stored(house) if row["at"] < day(0)} == {4.0}  # type: ignore[operator]


@pytest.mark.parametrize("ratio", [10.0, 0.1, 0.01])
def test_a_window_that_was_set_aside_is_landed_once_its_split_is_told(
    house: House, source: Telling, ratio: float
) -> None:
    """It came in new shares beside old ones, a split of 10 looks like another unit, and nobody knew of any."""
    parts(house, (60, 50), (50, 40), (40, 30))
    collect(house, "P0")
    source.split(ratio, day(0), event=False)
    assert collect(house, "P1").landed.rejected == 10
    assert collect(house, "P2").landed.rejected == 10
    source.actions = (CorporateAction("split", day(0), ratio),)
    collect(house, "REST")
    assert_nothing_is_missing(house, source, 60)
    assert {row["split_factor"] for row in stored(house)[:-1]} == {ratio}


def test_a_window_in_old_shares_that_was_set_aside_beside_new_ones_is_landed_in_new_ones(
    house: House, source: Telling
) -> None:
    parts(house, (60, 50), (50, 40), (40, 30))

    def split_meanwhile() -> None:
        source.meanwhile = lambda: None
        source.split(10.0, day(0), event=False)
        collect(house, "P0")

    source.meanwhile = split_meanwhile
    assert collect(house, "P1").landed.rejected == 10
    collect(house, "P2")
    source.actions = (CorporateAction("split", day(0), 10.0),)
    collect(house, "REST")
    assert_nothing_is_missing(house, source, 60)


def test_bars_that_no_split_explains_stay_aside(house: House, source: Telling) -> None:
    parts(house, (60, 50), (50, 40), (40, 30))
    collect(house, "P0")
    good = source.history
    source.history = divided(good, np.full(len(good), 100.0))
    assert collect(house, "P1").landed.rejected == 10
    source.history = good
    collect(house, "P2")
    source.split(4.0, day(0))
    collect(house, "REST")
    assert_as_told(house, source)
    assert len(stored(house)) == 51
    assert {row["state"] for row in findings(house, FindingKind.REJECTED_BAR)} == {FindingState.OPEN}


@pytest.mark.parametrize("ratios", [(4.0, 0.1), (10.0, 10.0), (2.0, 5.0), (0.1, 3.0)])
def test_two_splits_shortly_after_each_other_leave_nothing_missing(
    house: House, source: Telling, ratios: tuple[float, float]
) -> None:
    """One window in the oldest shares, one between the splits, one after both; all told of at the end."""
    first, second = ratios
    parts(house, (80, 70), (70, 60), (60, 50), (50, 40), (40, 30))
    collect(house, "P1")
    source.split(first, day(4), event=False)
    collect(house, "P3")
    collect(house, "P0")
    source.split(second, day(0), event=False)
    collect(house, "P2")
    collect(house, "P4")
    source.actions = (CorporateAction("split", day(4), first), CorporateAction("split", day(0), second))
    collect(house, "REST")
    assert_nothing_is_missing(house, source, 80)
