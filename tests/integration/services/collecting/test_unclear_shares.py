"""Windows that landed around a split too small for prices to tell: nobody guesses, they are asked for again."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.findings import FindingKind
from tests.fixtures.history import Telling, assert_as_told, collect, day, divided, findings, parts, stored, tomorrow
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

SMALL = 1.1


def states(house: House) -> list[str]:
    return [str(one["state"]) for one in findings(house, FindingKind.UNCLEAR_SHARES)]


def test_windows_in_new_shares_stay_as_they_were_told(house: House, source: Telling) -> None:
    """The first collection ever is a backfill in parts after a split, of which only the last part tells."""
    source.split(SMALL, day(0))
    parts(house, (590, 560), (530, 500))
    for name in ("P1", "P0", "REST"):
        assert collect(house, name).error is None
        assert_as_told(house, source)
    assert states(house) == ["open"]
    for _ in range(15):
        tomorrow(house, source)
    assert collect(house).error is None
    assert_as_told(house, source)
    assert states(house) == ["mended"]
    assert {row["split_factor"] for row in stored(house) if row["at"] < day(0)} == {SMALL}  # type: ignore[operator]
    assert collect(house).error is None
    assert source.asked[-1].start > day(0)


def test_windows_in_old_shares_are_told_anew_when_they_come_again(house: House, source: Telling) -> None:
    """They came after the ex-day and before the source applied the split."""
    parts(house, (590, 560), (530, 500))
    assert collect(house, "P1").error is None
    assert collect(house, "P0").error is None
    source.split(SMALL, day(0))
    assert collect(house, "REST").error is None
    assert states(house) == ["open"]
    tomorrow(house, source)
    assert collect(house).error is None
    assert_as_told(house, source)
    assert states(house) == ["mended"]
    assert {row["split_factor"] for row in stored(house) if row["at"] < day(0)} == {SMALL}  # type: ignore[operator]


def test_an_old_window_that_comes_before_the_source_applies_a_split_changes_nothing(
    house: House, source: Telling
) -> None:
    assert collect(house).error is None
    source.actions = (CorporateAction("split", day(-1), 4.0),)
    house.clock.advance(timedelta(days=1))
    assert collect(house).error is None
    parts(house, (590, 560))
    assert collect(house, "P0").error is None
    assert_as_told(house, source)
    source.split(4.0, day(-1), event=False)
    tomorrow(house, source)
    assert collect(house).error is None
    assert_as_told(house, source)
    assert {row["split_factor"] for row in stored(house)} <= {4.0, 1.0}


def test_a_ratio_that_no_split_explains_is_asked_about_once(house: House, source: Telling) -> None:
    """Windows that landed before and after the source told all anew, of which prices tell nothing."""
    parts(house, (590, 560), (530, 500))
    assert collect(house).error is None
    tomorrow(house, source)
    source.split(SMALL, day(0), event=False)
    assert collect(house, "P0").error is None
    tomorrow(house, source)
    assert collect(house).error is None
    assert states(house) == ["open"]
    tomorrow(house, source)
    assert collect(house).error is None
    assert source.asked[-1].start <= day(580)
    assert_as_told(house, source)
    assert states(house) == ["mended"]
    tomorrow(house, source)
    assert collect(house).error is None
    assert source.asked[-1].start > day(30)


def test_what_is_before_bars_that_were_revised_by_one_ratio_is_asked_about(house: House, source: Telling) -> None:
    """Prices step by a ratio of which nobody tells, and two days later the source tells all from before it likewise."""
    assert collect(house).error is None
    tomorrow(house, source)
    told = source.history
    source.history = divided(told, np.where(told.at == told.at[-1], 4.0, 1.0))
    assert collect(house).error is None
    tomorrow(house, source)
    told = source.history
    source.history = divided(told, np.where(told.at < told.at[-2], 4.0, 1.0))
    assert collect(house).error is None
    assert states(house) == ["open"]
    tomorrow(house, source)
    assert collect(house).error is None
    assert_as_told(house, source)
    assert states(house) == ["mended"]


def test_what_the_source_keeps_no_longer_is_noted_in_the_end(house: House, source: Telling) -> None:
    """A window that landed with it and is kept is told by what comes again."""
    parts(house, (590, 560), (530, 500))
    assert collect(house, "P0").error is None
    source.split(SMALL, day(0))
    assert collect(house, "REST").error is None
    assert states(house) == ["open"]
    source.history = source.history.where(source.history.at >= day(540).timestamp())
    assert collect(house, "P1").error is None
    for number in range(16):
        tomorrow(house, source)
        assert number in range(1, 13) or collect(house).error is None
    assert states(house) == ["noted"]
    [finding] = findings(house, FindingKind.UNCLEAR_SHARES)
    assert str(finding["reason"]).endswith("the source keeps them no longer, and they stay as they were told")
    assert source.asked[-1].start > day(30)
    before = [row for row in stored(house) if row["at"] < day(0)]  # type: ignore[operator]
    assert {row["split_factor"] for row in before if row["at"] >= day(540)} == {SMALL}  # type: ignore[operator]
    assert {row["split_factor"] for row in before if row["at"] < day(540)} == {1.0}  # type: ignore[operator]
    assert_as_told_from(house, source, 530)


def assert_as_told_from(house: House, source: Telling, since: int) -> None:
    told = dict(zip(source.history.at.tolist(), source.history.close.tolist(), strict=True))
    rows = [row for row in stored(house) if row["at"] >= day(since)]  # type: ignore[operator]
    assert [row["close"] for row in rows] == [told[int(row["at"].timestamp())] for row in rows]  # type: ignore[attr-defined]
