"""History that the source tells anew: restated as one, kept as it was, and never half of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction, Identity
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.work.filters import EVERY_EVENT
from stockjobs.domain.work.lanes import Lane
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.market.symbols import Renaming, Symbols
from stockjobs.store import tables
from stockjobs.store.ledger import events
from tests.fixtures.database import NOON
from tests.fixtures.house import House, ScriptedProvider

pytestmark = pytest.mark.integration

DAY = 86_400
PRICES = ("open", "high", "low", "close")
LAST = int(NOON.timestamp()) // DAY * DAY - DAY


@dataclass
class Telling(ScriptedProvider):
    """Tells one history, at every interval in daily steps, as it is at the moment of the request."""

    history: Bars = field(default_factory=lambda: wandering(600))
    actions: tuple[CorporateAction, ...] = ()
    meanwhile: Callable[[], None] = lambda: None

    def bars(self, request: BarsRequest, *, now: datetime, patience: object) -> BarsReply:
        self.asked.append(request)
        start, end = request.start.timestamp(), min(request.end, now).timestamp()
        inside = (self.history.at >= start) & (self.history.at < end)
        told = tuple(one for one in self.actions if request.start <= one.at < min(request.end, now))
        reply = BarsReply(
            Identity(request.symbol, "NMS", "America/New_York", "USD", "EQUITY"), self.history.where(inside), told
        )
        self.meanwhile()
        return reply

    def split(self, ratio: float, at: datetime, *, event: bool = True) -> None:
        """Tell all that there is so far in new shares, and of the split itself from its day on."""
        self.history = divided(self.history, np.full(len(self.history), ratio))
        self.actions = tuple(
            replace(one, value=one.value / ratio) if one.kind != "split" and one.at < at else one
            for one in self.actions
        )
        if event:
            self.actions = (*self.actions, CorporateAction("split", at, ratio))


def wandering(days: int, last: int = LAST) -> Bars:
    """Daily bars up to a day."""
    at = last - np.arange(days, dtype=np.int64)[::-1] * DAY
    close = 400 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, days)))
    opened = np.concatenate([[400.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.996
    one = Bars(at, opened, high, low, close, np.full(days, 10_000), np.zeros(days, dtype=np.bool_))
    return divided(one, np.ones(days))


def divided(bars: Bars, factor: np.ndarray) -> Bars:
    """Bars in new shares, rounded as sources round."""
    prices = {name: (getattr(bars, name) / factor).astype(np.float32).astype(np.float64) for name in PRICES}
    return replace(bars, **prices, volume=np.round(bars.volume * factor).astype(np.int64))


def day(back: int) -> datetime:
    """The open of the bar so many days before the last."""
    return datetime.fromtimestamp(LAST - back * DAY, UTC)


@pytest.fixture
def source(house: House) -> Telling:
    """The house with a provider that tells a history, of which nothing was collected yet."""
    house.provider = Telling()
    house.define(symbols=["AAPL"])
    return house.provider


def collect(house: House, name: str = "DAILY", **request: object) -> Outcome:
    """One attempt, a day after the one before."""
    house.trigger(name, **request)
    house.dispatch.tick()
    lane = next(lane for lane in Lane if house.knocks(lane))
    return house.work(lane)[0]


def stored(house: House, name: str = "bars", interval_s: int = DAY) -> list[dict[str, object]]:
    table = tables.metadata.tables[name]
    with house.database.read() as connection:
        query = select(table).where(table.c.interval_s == interval_s).order_by(table.c.at)
        return [dict(row) for row in connection.execute(query).mappings()]


def findings(house: House, kind: FindingKind) -> list[dict[str, object]]:
    table = tables.findings
    with house.database.read() as connection:
        return [dict(row) for row in connection.execute(select(table).where(table.c.kind == kind.value)).mappings()]


def tomorrow(house: House, source: Telling) -> None:
    """A day passes, and a bar with it."""
    house.clock.advance(timedelta(days=1))
    days = int((house.clock.now - NOON).days)
    longer = wandering(600 + days, LAST + days * DAY)
    newest = divided(longer, np.ones(len(longer))).where(np.arange(len(longer)) >= 600 + days - 1)
    scale = source.history.close[-1] / newest.open[0]
    newest = divided(newest, np.full(1, 1 / scale))
    newest = replace(newest, volume=np.array([10_000]))
    source.history = Bars(
        *(np.concatenate([getattr(source.history, name), getattr(newest, name)]) for name in Bars.__dataclass_fields__)
    )


def assert_as_told(house: House, source: Telling) -> None:
    """Every stored bar is as the source tells it now."""
    told = {int(at): float(close) for at, close in zip(source.history.at, source.history.close, strict=True)}
    rows = stored(house)
    off = [row["at"] for row in rows if row["close"] != pytest.approx(told[int(row["at"].timestamp())], rel=3e-7)]  # type: ignore[attr-defined]
    assert rows
    assert off == []


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


def payments(house: House) -> list[float]:
    table = tables.corporate_actions
    with house.database.read() as connection:
        query = select(table.c.value).where(table.c.kind == "dividend", table.c.replaced_by.is_(None))
        return list(connection.execute(query.order_by(table.c.at)).scalars())


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


def test_ratios_that_vary_are_set_aside_whole_and_the_position_stays(house: House, source: Telling) -> None:
    collect(house)
    before = stored(house)
    tomorrow(house, source)
    good = source.history
    source.history = divided(good, np.where(np.arange(len(good)) % 2 == 0, 1.5, 1.0))
    collect(house)
    assert stored(house) == before
    [finding] = findings(house, FindingKind.VARYING_RATIO)
    assert finding["state"] == FindingState.OPEN
    with house.database.read() as connection:
        aside = connection.execute(select(func.count()).select_from(tables.quarantined_bars)).scalar_one()
    assert aside > 1
    source.history = good
    collect(house)
    assert_as_told(house, source)
    assert len(stored(house)) == len(before) + 1


def test_a_corrected_close_is_a_revision(house: House, source: Telling) -> None:
    collect(house)
    changed = source.history.close.copy()
    changed[-2] *= 1.001
    source.history = replace(source.history, close=changed)
    outcome = collect(house)
    assert outcome.landed.written == 1
    [finding] = findings(house, FindingKind.REVISION)
    assert finding["at"] == day(1)
    assert [row["revision"] for row in stored(house)[-3:]] == [0, 1, 0]
    assert len(stored(house, "bar_versions")) == 1


def test_a_bar_that_the_source_puts_right_is_put_right_here(house: House, source: Telling) -> None:
    """It came at less than half of what its neighbours are, which no rule holds, and was mended by the source later."""
    good = source.history
    source.history = divided(good, np.where(good.at == good.at[-3], 2.1, 1.0))
    collect(house)
    source.history = good
    tomorrow(house, source)
    collect(house)
    assert_as_told(house, source)
    assert [row["revision"] for row in stored(house)[-5:]] == [0, 1, 0, 0, 0]
    assert findings(house, FindingKind.VARYING_RATIO) == []


def test_a_bar_that_the_source_spoils_later_is_set_aside(house: House, source: Telling) -> None:
    good = source.history
    collect(house)
    source.history = divided(good, np.where(good.at == good.at[-3], 2.1, 1.0))
    collect(house)
    source.history = good
    assert_as_told(house, source)
    assert len(findings(house, FindingKind.VARYING_RATIO)) == 1


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


def parts(house: House, *spans: tuple[int, int]) -> None:
    """Jobs P0, P1 and so on, each of which collects the days of a span."""
    for number, (start, end) in enumerate(spans):
        window = {"start": f"{day(start):%Y-%m-%d}", "end": f"{day(end):%Y-%m-%d}"}
        house.define(f"P{number}", symbols=["AAPL"], mode="backfill", window=window)
    house.define("REST", symbols=["AAPL"], mode="backfill", window={"start": f"{day(spans[-1][1]):%Y-%m-%d}"})


def assert_nothing_is_missing(house: House, source: Telling, since: int) -> None:
    """Every bar that the source tells from a day on is stored as it is told, and nothing is left to decide."""
    assert_as_told(house, source)
    assert [row["at"] for row in stored(house)] == [day(back) for back in range(since, -1, -1)]
    told = source.history.volume[-since - 1 :]
    assert [row["volume"] for row in stored(house)] == pytest.approx(told.tolist(), abs=1)
    with house.database.read() as connection:
        states = connection.execute(select(tables.findings.c.rule).where(tables.findings.c.state == "open")).all()
        assert states == []


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
