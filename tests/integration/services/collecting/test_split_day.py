"""The day of a split, minute by minute: it opens in old prices, falls to new ones within a minute, and is put right later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import func, select

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction, Identity
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.lanes import Lane
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.store import tables
from tests.fixtures.history import findings, stored
from tests.fixtures.house import House, ScriptedProvider

pytestmark = pytest.mark.integration

NEW_YORK = ZoneInfo("America/New_York")
OPEN = datetime(2014, 6, 9, 9, 30, tzinfo=NEW_YORK)
FELL = OPEN + timedelta(seconds=50)
MENDED = OPEN + timedelta(hours=20)
RATIO = 7.0
INTERVALS = (Interval.D1, Interval.H1, Interval.M1)


@dataclass
class SplitDay(ScriptedProvider):
    """Tells all history in old shares until the price falls; then in new ones, but for the open of the split's day, which
    stays in old ones until the next morning."""

    def bars(self, request: BarsRequest, *, now: datetime, patience: object) -> BarsReply:
        whole = told_at(request.interval, now)
        inside = (whole.at >= request.start.timestamp()) & (whole.at < min(request.end, now).timestamp())
        split = CorporateAction("split", OPEN.astimezone(UTC), RATIO)
        has_split = now >= FELL and request.start <= split.at < min(request.end, now)
        identity = Identity(request.symbol, "NMS", "America/New_York", "USD", "EQUITY")
        return BarsReply(identity, whole.where(inside), (split,) if has_split else ())


def told_at(interval: Interval, now: datetime) -> Bars:
    """What the source tells at a moment: the bars of two days before the split, of its day and of the one after."""
    at = np.array([one for one in opens(interval) if one <= now.timestamp()], dtype=np.int64)
    price = single((640 + 3 * np.sin(at / 50_000)) / RATIO)
    opened, high, low, close = price.copy(), price * 1.002, price * 0.998, price * 1.001
    if now < FELL:
        opened, high, low, close = (one * RATIO for one in (opened, high, low, close))
    elif now < MENDED:
        first = at == int(OPEN.timestamp())
        opened[first], high[first] = 645.57, 645.57
    length = 6.5 * 3_600 if interval is Interval.D1 else interval.seconds
    prices = (single(one) for one in (opened, high, low, close))
    return Bars(at, *prices, np.full(len(at), 1_000), at + length > now.timestamp())


def single(prices: np.ndarray) -> np.ndarray:
    """Prices as sources count."""
    return prices.astype(np.float32).astype(np.float64)


def opens(interval: Interval) -> list[int]:
    """When the bars of Thursday to Tuesday open."""
    days = [datetime(2014, 6, day, 9, 30, tzinfo=NEW_YORK) for day in (5, 6, 9, 10)]
    length = 6 * 3_600 + 1_800
    step = length if interval is Interval.D1 else interval.seconds
    return [int(day.timestamp()) + after for day in days for after in range(0, length, step)]


def collect_at(house: House, moment: datetime, jobs: str = "I") -> None:
    """Run the jobs of each interval, and what they have to ask again."""
    house.clock.now = moment.astimezone(UTC)
    for interval in INTERVALS:
        house.trigger(f"{jobs}{interval.value}")
    house.dispatch.tick()
    outcomes = [one for lane in Lane for one in house.work(lane)]
    if any(one.verdict is Verdict.DEFERRED for one in outcomes):
        house.clock.advance(timedelta(seconds=20))
        house.dispatch.tick()
        outcomes = [one for lane in Lane for one in house.work(lane)]
    assert {one.verdict for one in outcomes} == {Verdict.COMPLETED}, [one.error for one in outcomes]


def highest(house: House) -> float:
    """The highest price that is stored."""
    with house.database.read() as connection:
        return connection.execute(select(func.max(tables.bars.c.high))).scalar_one()


def test_nothing_in_old_prices_is_stored_as_new_and_all_is_right_in_the_end(house: House) -> None:
    house.provider = SplitDay()
    for interval in INTERVALS:
        given = {"symbols": ["AAPL"], "intervals": [interval.value]}
        house.define(f"I{interval.value}", **given, window={"period": "P6D"})
        house.define(f"GAPS{interval.value}", **given, mode="backfill", window={"period": "P6D", "refetch": True})
    collect_at(house, OPEN - timedelta(days=2))
    # Before the fall nobody can know.
    collect_at(house, OPEN + timedelta(seconds=30))
    for after in (80, 140, 900, 3_700, 24_000):
        collect_at(house, OPEN + timedelta(seconds=after))
        assert highest(house) < 100, after
    # What an overlap does not reach is asked for as every gap is.
    collect_at(house, MENDED + timedelta(hours=5), "GAPS")
    collect_at(house, MENDED + timedelta(hours=6, seconds=30))
    for interval in INTERVALS:
        rows, source = stored(house, interval_s=interval.seconds), told_at(interval, house.clock.now)
        assert [row["at"].timestamp() for row in rows] == source.at.tolist()  # type: ignore[attr-defined]
        for name in ("open", "high", "low", "close"):
            assert [row[name] for row in rows] == pytest.approx(getattr(source, name).tolist(), rel=3e-7)
    assert {row["state"] for row in findings(house, FindingKind.REJECTED_BAR)} <= {"mended"}
    assert findings(house, FindingKind.VARYING_RATIO) == []
