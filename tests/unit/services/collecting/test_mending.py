"""A finding about a bar is over once a good bar of its time has come, or of its day, week or month."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from sqlalchemy import insert, select

from stockjobs.domain import ids
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.calendars import zone_named
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import aside
from tests.fixtures.database import NOON
from tests.fixtures.market import add_bars, add_instrument, bar
from tests.unit.services.collecting.test_actions import DAY, Desk, bars, opened

HOUR = 3_600
TO_MIDNIGHT = int(-9.5 * HOUR)
"""From the open in New York to midnight there, in seconds."""


def moved(came: Bars, seconds: int) -> Bars:
    return replace(came, at=came.at + seconds)


def broken(came: Bars, place: int) -> Bars:
    """The same with a high below the low."""
    return replace(came, high=np.where(np.arange(len(came)) == place, 1.0, came.high))


def states(desk: Desk) -> list[str]:
    """Those of all findings about bars that were set aside."""
    with desk.database.read() as connection:
        query = select(tables.findings.c.state).where(tables.findings.c.kind == "rejected-bar")
        return sorted(connection.execute(query).scalars())


def test_a_bad_bar_of_a_day_is_mended_by_a_good_one_wherever_its_source_puts_it(database: Database) -> None:
    desk, mended = Desk(database), []
    cases = [(10, TO_MIDNIGHT, TO_MIDNIGHT), (10, 0, TO_MIDNIGHT), (6, TO_MIDNIGHT, TO_MIDNIGHT), (6, TO_MIDNIGHT, 0)]
    for number, (stored, first, then) in enumerate(cases):
        good = bars(range(60 * number + 10, 60 * number, -1))
        desk.land(good.where(np.arange(10) < stored))
        desk.now += DAY
        desk.land(broken(moved(good, first), 7))
        assert states(desk) == [*mended, "open"]
        desk.land(moved(good.where(np.arange(10) != 7), then))
        assert states(desk) == [*mended, "open"]
        desk.land(moved(good, then))
        mended.append("mended")
        assert states(desk) == mended
    assert desk.bars() == 10 * len(cases)


def test_of_a_minute_only_one_of_the_same_time_mends(database: Database) -> None:
    desk, good = Desk(database), bars(range(10, 0, -1))
    desk.land(broken(good, 7), interval=Interval.H1)
    desk.land(moved(good, HOUR), interval=Interval.H1)
    assert states(desk) == ["open"]
    desk.land(good, interval=Interval.H1)
    assert states(desk) == ["mended"]


def test_what_was_in_old_shares_is_settled_by_the_stored_bar_of_its_day_or_its_minute(database: Database) -> None:
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        for interval in (Interval.D1, Interval.M1):
            add_bars(connection, instrument, [bar(opened(back), 25.0) for back in (5, 3)], interval=interval)
            for number, (back, hours) in enumerate([(5, -9.5), (4, 0), (3, 0)]):
                of_bar = {"instrument_id": instrument, "interval_s": interval.seconds, "symbol": "AAPL"}
                at = opened(back) + timedelta(hours=hours)
                named = {"id": ids.finding_id("rejected-bar", "AAPL", interval, at, "", ()), "kind": "rejected-bar"}
                about = {"rule": "unsplit", "reason": f"{number}", "evidence": {}, "state": "open", "created_at": NOON}
                connection.execute(insert(tables.findings).values(**named, **of_bar, **about, at=at))
        zone = zone_named("America/New_York", None)
        settled = [
            aside.settle(connection, (instrument, interval), zone, by="DAILY", now=NOON)
            for interval in (Interval.D1, Interval.D1, Interval.M1)
        ]
        assert settled == [2, 0, 1]
