"""Answers from before a split that land after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.work.lanes import Lane
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.services.market.symbols import Renaming, Symbols
from tests.fixtures.database import NOON
from tests.fixtures.history import (
    Telling,
    assert_as_told,
    collect,
    day,
    stored,
)
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def test_an_answer_from_before_a_split_is_not_landed_after_it(house: House, source: Telling) -> None:
    """The backfill is asked for before the split and lands after an incremental run has learnt of it."""
    collect(house)
    old = {"start": f"{day(590):%Y-%m-%d}", "end": f"{day(500):%Y-%m-%d}"}
    house.define("OLD", symbols=["AAPL"], mode="backfill", window=old)

    def split_meanwhile() -> None:
        source.meanwhile = lambda: None
        source.split(4.0, NOON - timedelta(hours=1))
        house.clock.advance(timedelta(seconds=1))
        assert collect(house).verdict is Verdict.COMPLETED

    source.meanwhile = split_meanwhile
    outcome = collect(house, "OLD")
    assert outcome.verdict is Verdict.DEFERRED
    assert_as_told(house, source)
    house.clock.advance(timedelta(minutes=1))
    house.dispatch.tick()
    [again] = house.work(Lane.HISTORICAL)
    assert again.verdict is Verdict.COMPLETED
    assert_as_told(house, source)
    rows = stored(house)
    assert rows[0]["at"] < day(580)  # type: ignore[operator]
    assert {row["split_factor"] for row in rows} == {4.0}


def test_a_renamed_instrument_that_is_split_meanwhile_is_asked_for_again(house: House, source: Telling) -> None:
    """The task knows it by its old symbol, the answer by its new one."""
    collect(house)
    old = {"start": f"{day(590):%Y-%m-%d}", "end": f"{day(500):%Y-%m-%d}"}
    house.define("OLD", symbols=["AAPL"], mode="backfill", window=old)
    Symbols(house.database).rename(Renaming("yahoo", "AAPL", "PEAR"), by="ann")

    def split_meanwhile() -> None:
        source.meanwhile = lambda: None
        source.split(4.0, NOON - timedelta(hours=1))
        house.clock.advance(timedelta(seconds=1))
        assert collect(house).verdict is Verdict.COMPLETED

    source.meanwhile = split_meanwhile
    assert collect(house, "OLD").verdict is Verdict.DEFERRED
    house.clock.advance(timedelta(minutes=1))
    house.dispatch.tick()
    [again] = house.work(Lane.HISTORICAL)
    assert again.verdict is Verdict.COMPLETED
    assert {request.symbol for request in source.asked[-3:]} == {"PEAR"}
    assert_as_told(house, source)
    assert stored(house)[0]["at"] < day(580)  # type: ignore[operator]
