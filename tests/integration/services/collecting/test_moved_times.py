"""A source moves the time of day at which it puts its bars: each session keeps its one bar."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stockjobs.domain.market.findings import FindingKind
from tests.fixtures.history import Telling, collect, day, divided, findings, stored, tomorrow
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

HOUR = 3_600


def move(source: Telling, hours: float) -> None:
    """Tell of the same sessions at another time of day."""
    source.history = replace(source.history, at=source.history.at + int(hours * HOUR))
    by = timedelta(hours=hours)
    source.actions = tuple(replace(one, at=one.at + by) for one in source.actions)


def test_a_session_keeps_its_one_bar_when_the_source_moves_it(house: House, source: Telling) -> None:
    house.define("WEEKLY", symbols=["AAPL"], intervals=["1wk"])
    house.define("AGAIN", symbols=["AAPL"], mode="backfill", window={"start": f"{day(300):%Y-%m-%d}", "refetch": True})
    for name in ("DAILY", "WEEKLY"):
        collect(house, name)
    before = stored(house)
    # From midnight UTC to the exchange's, an hour before that, to the open there, and back.
    for number, hours in enumerate((5, 4, 14.5, 0), 1):
        tomorrow(house, source)
        move(source, hours)
        collect(house)
        assert collect(house, "AGAIN").landed.written == 0
        rows = stored(house)
        assert len(rows) == len(before) + number
        assert rows[: len(before)] == before
        move(source, -hours)
    for kind in (FindingKind.REJECTED_BAR, FindingKind.VARYING_RATIO, FindingKind.RESTATEMENT):
        assert findings(house, kind) == []


def test_a_split_and_a_correction_are_seen_though_the_source_moved_its_bars(house: House, source: Telling) -> None:
    collect(house)
    before = stored(house)
    source.split(4.0, day(-1))
    move(source, 14.5)
    tomorrow(house, source)
    collect(house)
    assert [row["close"] for row in stored(house)] == pytest.approx(source.history.close[-len(before) - 1 :].tolist())
    assert {row["split_factor"] for row in stored(house)[:-1]} == {4.0}
    source.history = divided(source.history, 1 + 0.01 * (source.history.at == source.history.at[-3]))
    tomorrow(house, source)
    collect(house)
    assert len(stored(house)) == len(before) + 2
    assert [row["revision"] for row in stored(house)[-5:]] == [1, 2, 1, 0, 0]
