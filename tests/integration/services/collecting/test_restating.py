"""History that the source tells anew: restated as one, and what it was is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.work.filters import EVERY_EVENT
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.store import tables
from stockjobs.store.ledger import events
from tests.fixtures.database import NOON
from tests.fixtures.history import (
    DAY,
    Telling,
    assert_as_told,
    collect,
    day,
    findings,
    payments,
    stored,
    tomorrow,
)
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def test_a_split_restates_everything_before_it_and_keeps_what_was(house: House, source: Telling) -> None:
    collect(house)
    before = stored(house)
    source.split(4.0, day(-1))
    tomorrow(house, source)
    outcome = collect(house)
    assert_as_told(house, source)
    after, versions = stored(house), stored(house, "bar_versions")
    assert len(after) == len(before) + 1
    assert {row["split_factor"] for row in after[:-1]} == {4.0}
    assert after[-1]["split_factor"] == 1.0
    assert {row["volume"] for row in after[:-1]} == {40_000}
    assert [row["close"] for row in versions] == [row["close"] for row in before]
    assert {row["replaced_by"] for row in versions} == {row["landing_id"] for row in after}
    assert outcome.landed.written == len(before) + 2
    [finding] = findings(house, FindingKind.RESTATEMENT)
    assert finding["state"] == FindingState.NOTED
    assert (finding["evidence"]["ratio"], finding["evidence"]["bars"]) == (4.0, len(before))  # type: ignore[index]
    with house.database.read() as connection:
        told = [event for event in events.latest(connection, 50, EVERY_EVENT) if event.name == "data.restated"]
    assert [event.data["symbol"] for event in told] == ["AAPL"]


def test_a_bar_that_is_restated_and_corrected_at_once_is_kept_as_it_was(house: House, source: Telling) -> None:
    collect(house)
    before = stored(house)
    source.split(4.0, day(-1))
    source.history = replace(source.history, volume=source.history.volume + 1)
    tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert [row["close"] for row in stored(house, "bar_versions")] == [row["close"] for row in before]
    assert stored(house)[-2]["volume"] == 40_001


def test_a_split_is_applied_once_however_often_it_is_told(house: House, source: Telling) -> None:
    collect(house)
    source.split(4.0, day(-1))
    tomorrow(house, source)
    for _ in range(3):
        collect(house)
        tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert len(findings(house, FindingKind.RESTATEMENT)) == 1


def test_several_splits_between_two_runs_are_applied_together(house: House, source: Telling) -> None:
    collect(house)
    for ratios in ((2.0, 5.0), (0.1, 0.1), (7.0, 0.2), (2.0, 0.5)):
        last = datetime.fromtimestamp(int(source.history.at[-1]), UTC)
        for number, ratio in enumerate(ratios, 1):
            source.split(ratio, last + timedelta(days=number))
            tomorrow(house, source)
        collect(house)
        assert_as_told(house, source)
    assert [row["split_factor"] for row in stored(house)[:300]] == pytest.approx([0.14] * 300)
    for kind in (FindingKind.REJECTED_BAR, FindingKind.VARYING_RATIO):
        assert findings(house, kind) == []


def test_a_window_over_all_of_it_after_a_split_writes_nothing(house: House, source: Telling) -> None:
    collect(house)
    source.split(4.0, day(-1))
    tomorrow(house, source)
    collect(house)
    house.define("AGAIN", symbols=["AAPL"], mode="backfill", window={"start": f"{day(300):%Y-%m-%d}"})
    assert collect(house, "AGAIN").landed.written == 0
    assert not findings(house, FindingKind.VARYING_RATIO)


def test_a_window_over_stored_history_restates_it_as_one(house: House, source: Telling) -> None:
    house.clock.now = day(100)
    collect(house)
    source.split(3.0, day(100))
    house.clock.now = NOON
    house.define("ALL", symbols=["AAPL"], mode="backfill", window={"start": f"{day(500):%Y-%m-%d}"})
    assert collect(house, "ALL").verdict is Verdict.COMPLETED
    assert_as_told(house, source)
    rows = stored(house)
    assert {row["split_factor"] for row in rows if row["at"] < day(100)} == {3.0}  # type: ignore[operator]
    assert {row["split_factor"] for row in rows if row["at"] >= day(100)} == {1.0}  # type: ignore[operator]
    assert len(rows) >= 500


def test_each_interval_is_restated_when_its_own_overlap_shows_it(house: House, source: Telling) -> None:
    house.define("WEEKLY", symbols=["AAPL"], intervals=["1wk"])
    source.actions = (CorporateAction("dividend", day(50), 1.0),)
    collect(house)
    collect(house, "WEEKLY")
    source.split(4.0, day(-1))
    tomorrow(house, source)
    collect(house)
    collect(house, "WEEKLY")
    assert {row["split_factor"] for row in stored(house, interval_s=7 * DAY)[:-1]} == {4.0}
    assert_as_told(house, source)
    assert payments(house) == [0.25]


def test_dividends_are_told_per_new_share_and_what_they_were_is_kept(house: House, source: Telling) -> None:
    source.actions = (CorporateAction("dividend", day(90), 1.0), CorporateAction("dividend", day(1), 2.0))
    collect(house)
    source.split(4.0, day(-1))
    tomorrow(house, source)
    collect(house)
    assert payments(house) == [0.25, 0.5]
    table = tables.corporate_actions
    with house.database.read() as connection:
        former = connection.execute(select(table.c.value).where(table.c.replaced_by.is_not(None)).order_by(table.c.at))
        assert list(former.scalars()) == [1.0, 2.0]


def test_one_ratio_without_a_split_restates_and_the_split_that_is_told_later_adds_nothing(
    house: House, source: Telling
) -> None:
    collect(house)
    source.split(5.0, day(-1), event=False)
    tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert [row["split_factor"] for row in stored(house)[:-1]] == pytest.approx([5.0] * 365)
    source.actions = (CorporateAction("split", day(-1), 5.0),)
    tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert {round(row["split_factor"], 4) for row in stored(house)[:-2]} == {5.0}  # type: ignore[call-overload]
    assert len(findings(house, FindingKind.RESTATEMENT)) == 1


def test_a_split_that_is_applied_days_before_its_own_is_in_every_bar_that_came_since(
    house: House, source: Telling
) -> None:
    """The bar that came when history was told anew, before anybody knew why, and the one of the day after."""
    collect(house)
    source.split(1.5, day(-3), event=False)
    source.actions = (CorporateAction("dividend", day(-1), 2.0),)
    for _ in range(2):
        tomorrow(house, source)
        collect(house)
    source.actions = (*source.actions, CorporateAction("split", day(-3), 1.5))
    tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert [row["split_factor"] for row in stored(house)[:-1]] == pytest.approx([1.5] * 367)
    table = tables.corporate_actions
    with house.database.read() as connection:
        paid = select(table.c.value, table.c.split_factor).where(
            table.c.kind == "dividend", table.c.replaced_by.is_(None)
        )
        assert connection.execute(paid).one() == (2.0, pytest.approx(1.5))


def test_a_split_that_is_told_of_before_it_is_applied_restates_when_it_is(house: House, source: Telling) -> None:
    collect(house)
    source.actions = (CorporateAction("split", day(-1), 4.0),)
    house.clock.advance(timedelta(days=1))
    collect(house)
    assert_as_told(house, source)
    source.split(4.0, day(-1), event=False)
    collect(house)
    assert_as_told(house, source)
    assert {row["split_factor"] for row in stored(house)} == {4.0}


def test_a_split_of_which_the_own_day_came_in_new_shares_too_is_named_beside_what_it_does_not_explain(
    house: House, source: Telling
) -> None:
    collect(house)
    # All that is stored is divided, also the bar of the split's day, which a split alone leaves as it is.
    source.split(4.0, day(0))
    tomorrow(house, source)
    collect(house)
    [found] = findings(house, FindingKind.RESTATEMENT)
    on = f"a split of 4 new shares for an old one on {day(0):%Y-%m-%d}"
    told = "the source tells all earlier prices 0.25 times as they were, and no known split explains it alone"
    assert found["reason"] == f"{told}: {on} leaves bars from that day on as they are, and those came otherwise too"
