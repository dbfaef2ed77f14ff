"""The day of a split and of a payment, where intervals put their bars at other times of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import Bars, CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.services.market.reading import Reading
from stockjobs.store import tables
from stockjobs.store.database import Database
from tests.unit.services.collecting.test_actions import Desk

D1, W1, H1 = Interval.D1, Interval.W1, Interval.H1
ZONE = ZoneInfo("America/New_York")
EX_DAY = datetime(2026, 2, 11, tzinfo=ZONE)
"""A Wednesday."""
DAYS = [EX_DAY + timedelta(days=days) for days in (-9, -8, -7, -6, -5, -2, -1, 0, 1, 2, 5, 6, 7, 8, 9)]
RATIO, PAID = 4.0, 5.0
EVENTS = ("split", RATIO), ("dividend", PAID)
MIDNIGHT, OPEN = timedelta(0), timedelta(hours=9, minutes=30)
MIDNIGHT_UTC = timedelta(hours=-5)


def opens(interval: Interval, clock: timedelta) -> list[datetime]:
    """When the bars of some weeks open; hourly ones from half past nine on."""
    if interval is H1:
        return [day + OPEN + timedelta(hours=hour) for day in DAYS for hour in range(7)]
    return [day + clock for day in DAYS if interval is D1 or day.weekday() == 0]


def told(interval: Interval, clock: timedelta = OPEN, *, is_split: bool = True) -> Bars:
    """Bars that stand at 100 in new shares, the day's dividend apart: at 105 before it."""
    at = np.array([int(one.timestamp()) for one in opens(interval, clock)], dtype=np.int64)
    # The close of the split's week is after the payment.
    cut = EX_DAY - timedelta(days=2) if interval is W1 else EX_DAY
    is_before = at < (cut + min(clock, MIDNIGHT)).timestamp()
    price = np.where(is_before, 100.0 + PAID, 100.0) * (1 if is_split else np.where(is_before, RATIO, 1.0))
    settled = np.zeros(len(at), dtype=np.bool_)
    return Bars(at, price, price * 1.001, price * 0.999, price, np.full(len(at), 1_000), settled)


def events(clock: timedelta = OPEN) -> tuple[CorporateAction, ...]:
    return tuple(CorporateAction(kind, (EX_DAY + clock).astimezone(UTC), value) for kind, value in EVENTS)


def factors(database: Database, interval: Interval) -> list[float]:
    """What is stored of each bar about the splits in its price."""
    bars = tables.bars
    query = select(bars.c.split_factor).where(bars.c.interval_s == interval.seconds).order_by(bars.c.at)
    with database.read() as connection:
        return list(connection.execute(query).scalars())


def closes(database: Database, interval: Interval, adjusted: Adjusted) -> set[float]:
    reading = Reading(database)
    found = reading.table(BarsQuery(("AAPL",), interval, adjusted=adjusted))
    reading.close()
    return {round(one, 6) for one in found["close"].to_pylist()}


@pytest.mark.parametrize(
    ("clock", "order"), [(MIDNIGHT, (H1, D1, W1)), (MIDNIGHT, (W1, D1, H1)), (MIDNIGHT_UTC, (H1, W1, D1))]
)
def test_the_day_of_a_split_is_after_it_wherever_its_bars_stand(
    database: Database, clock: timedelta, order: tuple[Interval, ...]
) -> None:
    desk = Desk(database)
    for interval in order:
        # Each interval tells of the events where its bars stand.
        own = OPEN if interval is H1 else clock
        for _ in range(2):
            desk.land(told(interval, own), *events(own), interval=interval)
    for interval, before in ((H1, 7 * 7), (D1, 7), (W1, 1)):
        found = factors(database, interval)
        assert found == [RATIO] * before + [1.0] * (len(found) - before), interval
        assert closes(database, interval, Adjusted.NONE) == {420.0, 100.0}, interval
        assert closes(database, interval, Adjusted.ALL) == {100.0}, interval
    assert [value for _, value, _ in desk.known()] == [PAID]
    assert desk.findings() == set()


@pytest.mark.parametrize("clock", [MIDNIGHT, OPEN], ids=["midnight", "open"])
def test_history_in_old_shares_is_told_anew_up_to_the_day_of_the_split(database: Database, clock: timedelta) -> None:
    desk = Desk(database, now=EX_DAY.astimezone(UTC) - timedelta(hours=1))
    old = told(D1, clock, is_split=False)
    desk.land(old.where(old.at < (EX_DAY + clock).timestamp()))
    desk.now = EX_DAY.astimezone(UTC) + timedelta(days=10)
    desk.land(told(H1), *events(), interval=H1)
    desk.land(told(D1, clock), *events(clock))
    assert factors(database, D1) == [RATIO] * 7 + [1.0] * 8
    assert closes(database, D1, Adjusted.SPLITS) == {105.0, 100.0}
    assert closes(database, D1, Adjusted.ALL) == {100.0}
    assert {kind for kind, _, _ in desk.findings()} == {"restatement"}


def test_a_close_before_a_payment_is_of_its_own_interval_where_there_are_no_daily_bars(database: Database) -> None:
    desk = Desk(database)
    desk.land(told(W1, MIDNIGHT), *events(), interval=W1)
    assert closes(database, W1, Adjusted.ALL) == {100.0}


def test_a_moved_split_moves_for_each_interval_by_its_own_bars(database: Database) -> None:
    desk = Desk(database)
    next_day = CorporateAction("split", (EX_DAY + timedelta(days=1) + OPEN).astimezone(UTC), RATIO)
    for interval in (H1, D1, W1):
        desk.land(told(interval, MIDNIGHT), *events(), interval=interval)
    desk.land(told(D1, MIDNIGHT), next_day, events()[1])
    assert factors(database, D1) == [RATIO] * 8 + [1.0] * 7
    assert factors(database, H1) == [RATIO] * 56 + [1.0] * 49
    assert factors(database, W1) == [RATIO] + [1.0] * 2
