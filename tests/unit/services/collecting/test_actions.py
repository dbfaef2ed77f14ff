"""Splits, dividends and capital gains on their way into the store, on both databases: right, and once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import PRICES, Bars, BarsReply, BarsRequest, CorporateAction, Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.domain.work.lanes import Lane
from stockjobs.services.collecting.fetching import Answer, Fetched
from stockjobs.services.collecting.landing import Landed, land
from stockjobs.services.market.reading import Reading
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger.claims import Claim
from tests.fixtures.database import NOON, ManualClock
from tests.fixtures.house import spec

DAY = timedelta(days=1)
D1, W1, H1 = Interval.D1, Interval.W1, Interval.H1
APPLE = Identity("AAPL", "NMS", "America/New_York", "USD", "EQUITY")


def opened(back: int, *, hour: int = 14, minute: int = 30) -> datetime:
    """Half past nine in New York, so many days ago."""
    return datetime(2026, 3, 4, hour, minute, tzinfo=UTC) - back * DAY


def dividend(back: int, amount: float, **clock: int) -> CorporateAction:
    return CorporateAction("dividend", opened(back, **clock), amount)


def split(back: int, ratio: float, **clock: int) -> CorporateAction:
    return CorporateAction("split", opened(back, **clock), ratio)


def bars(backs: range, close: float = 100.0) -> Bars:
    """Settled bars of some days, newest day last, that move a little."""
    at = np.array([int(opened(back).timestamp()) for back in backs], dtype=np.int64)
    price = close * (1 + 0.001 * (np.arange(len(at)) % 3))
    volume, settled = np.full(len(at), 1_000), np.zeros(len(at), dtype=np.bool_)
    return Bars(at, price, price * 1.01, price * 0.99, price, volume, settled)


@dataclass
class Desk:
    """Lands answers about one symbol, each as an attempt of its own."""

    database: Database
    now: datetime = NOON
    validation: dict[str, str] = field(default_factory=dict)
    identity: Identity = APPLE

    def land(self, came: Bars, *told: CorporateAction, interval: Interval = D1, since: int = 400) -> Landed:
        """One answer to a question about so many days up to now."""
        request = BarsRequest("AAPL", interval, opened(since), self.now)
        answer = Answer(request, BarsReply(self.identity, came, told))
        with self.database.begin() as connection:
            return land(connection, self._claim(), Fetched({"AAPL": (answer,)}), self.now)

    def _claim(self) -> Claim:
        definition = spec(validation=self.validation) if self.validation else spec()
        ids = [uuid4() for _ in range(4)]
        return Claim(
            ids[0], ids[1], 1, ids[2], ids[3], "DAILY", definition, Lane.REALTIME, ("AAPL",),
            None, None, None, self.now, 0, {}, self.now,
        )  # fmt: skip

    def known(self, kind: str = "dividend") -> list[tuple[datetime, float, float]]:
        """When, how much, and what was paid on the day, of what is known now."""
        table = tables.corporate_actions
        query = select(table.c.at, table.c.value, table.c.split_factor).where(
            table.c.kind == kind, table.c.replaced_by.is_(None)
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(table.c.at)).all()
        return [(at, pytest.approx(value), pytest.approx(value * factor)) for at, value, factor in rows]

    def rows(self) -> int:
        """How many rows of actions there are, former values counted."""
        with self.database.read() as connection:
            return len(connection.execute(select(tables.corporate_actions.c.at)).all())

    def findings(self) -> set[tuple[str, str | None, str]]:
        table = tables.findings
        with self.database.read() as connection:
            return {tuple(row) for row in connection.execute(select(table.c.kind, table.c.rule, table.c.state))}  # type: ignore[misc]

    def bars(self, interval: Interval = D1) -> int:
        with self.database.read() as connection:
            of = tables.bars.c.interval_s == interval.seconds
            return len(connection.execute(select(tables.bars.c.at).where(of)).all())


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


MONTH = range(30, 0, -1)
WEEKS = range(30, 1, -7)
"""Mondays."""


def both(desk: Desk, *told: CorporateAction) -> None:
    """The same of days and of weeks, in attempts of their own."""
    desk.land(bars(MONTH), *told)
    desk.land(bars(WEEKS), *told, interval=W1)


def test_an_event_that_intervals_tell_at_other_times_of_the_day_is_one(desk: Desk) -> None:
    desk.land(bars(MONTH, 50), dividend(9, 1.0), split(5, 2.0))
    for clock in ({"hour": 21}, {"hour": 5, "minute": 0}, {"hour": 0, "minute": 0}):
        desk.land(bars(MONTH, 50), dividend(9, 1.0, **clock), split(5, 2.0, **clock), interval=H1)
        desk.land(bars(WEEKS, 50), dividend(9, 1.0), split(5, 2.0), interval=W1)
    assert desk.rows() == 2
    assert desk.known() == [(opened(9), 1.0, 2.0)]
    assert desk.known("split") == [(opened(5), 2.0, 2.0)]
    with desk.database.read() as connection:
        factors = set(connection.execute(select(tables.bars.c.split_factor)).scalars())
    assert factors == {2.0, 1.0}


def test_the_same_event_twice_in_an_answer_is_one_and_different_payments_of_a_day_add_up(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0), dividend(9, 1.0, hour=20), dividend(4, 1.0), dividend(4, 0.5, hour=20))
    assert desk.known() == [(opened(9), 1.0, 1.0), (opened(4), 1.5, 1.5)]


def test_an_ex_day_that_has_moved_is_replaced_and_answers_without_it_delete_nothing(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0), dividend(20, 1.0))
    desk.land(bars(MONTH), interval=H1)
    assert len(desk.known()) == 2
    desk.land(bars(MONTH), dividend(8, 1.0))
    desk.land(bars(WEEKS), dividend(8, 1.0), interval=W1)
    assert desk.known() == [(opened(20), 1.0, 1.0), (opened(8), 1.0, 1.0)]
    assert desk.rows() == 3


def test_a_near_payment_is_another_one_if_its_amount_differs_or_it_was_not_asked_about(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0))
    desk.land(bars(MONTH), dividend(8, 1.3))
    desk.land(bars(range(7, 0, -1)), dividend(7, 1.3), since=7)
    assert [at for at, *_ in desk.known()] == [opened(9), opened(8), opened(7)]


@pytest.mark.parametrize(("first", "then"), [(9, 8), (8, 11)])
def test_a_split_whose_day_has_moved_is_one_split_and_bars_between_have_it_or_not(
    desk: Desk, first: int, then: int
) -> None:
    both(desk, dividend(20, 1.0), split(first, 4.0))
    for _ in range(2):
        both(desk, dividend(20, 1.0), split(then, 4.0))
    assert desk.known("split") == [(opened(then), 4.0, 4.0)]
    assert desk.known() == [(opened(20), 1.0, 4.0)]
    with desk.database.read() as connection:
        columns = (tables.bars.c.interval_s, tables.bars.c.at, tables.bars.c.split_factor)
        found = connection.execute(select(*columns)).all()
    # The week of the split ends in new shares.
    cut = {D1.seconds: opened(then), W1.seconds: opened(then) - opened(then).weekday() * DAY}
    assert {factor for of, at, factor in found if at < cut[of]} == {4.0}
    assert {factor for of, at, factor in found if at >= cut[of]} == {1.0}
    assert desk.findings() == set()


def restated(desk: Desk, *, after: int, told: tuple[CorporateAction, ...] = (), interval: Interval = D1) -> None:
    """Some days later all history comes in a quarter of the prices, with a bar more."""
    desk.now = NOON + after * DAY
    came = bars(range(30, -after, -7 if interval is W1 else -1), 25.0)
    desk.land(came, *told, interval=interval)


def test_a_series_that_is_restated_months_after_another_divides_no_payment_again(desk: Desk) -> None:
    both(desk, dividend(9, 1.0))
    restated(desk, after=2, told=(split(0, 4.0), dividend(9, 0.25)))
    assert desk.known() == [(opened(9), 0.25, 1.0)]
    restated(desk, after=60, told=(split(0, 4.0),), interval=W1)
    assert desk.known() == [(opened(9), 0.25, 1.0)]


def test_an_interval_in_old_shares_tells_nothing_new(desk: Desk) -> None:
    both(desk, dividend(9, 1.0))
    restated(desk, after=2, told=(split(0, 4.0),))
    rows = desk.rows()
    desk.land(bars(WEEKS), dividend(9, 1.0), interval=W1)
    assert (desk.known(), desk.rows()) == ([(opened(9), 0.25, 1.0)], rows)


def test_two_equal_splits_within_days_divide_twice(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0))
    desk.now = NOON + 2 * DAY
    desk.land(bars(range(30, -2, -1), 50), split(0, 2.0))
    desk.now = NOON + 10 * DAY
    desk.land(bars(range(30, -10, -1), 25), split(-8, 2.0), split(0, 2.0))
    assert desk.known() == [(opened(9), 0.25, 1.0)]


def test_an_interval_that_is_first_collected_in_new_shares_agrees(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0), interval=H1)
    restated(desk, after=2, told=(split(0, 4.0),), interval=H1)
    rows = desk.rows()
    restated(desk, after=2, told=(split(0, 4.0), dividend(9, 0.25)))
    assert (desk.known(), desk.rows()) == ([(opened(9), 0.25, 1.0)], rows)


def test_a_ratio_that_nothing_explains_divides_once_for_all_intervals(desk: Desk) -> None:
    both(desk, dividend(9, 1.0))
    restated(desk, after=1)
    restated(desk, after=50, interval=W1)
    assert desk.known() == [(opened(9), 0.25, 1.0)]
    restated(desk, after=50, told=(dividend(9, 0.25),), interval=H1)
    assert desk.known() == [(opened(9), 0.25, 1.0)]


def test_a_payment_that_landed_in_new_shares_before_its_split_was_heard_of_is_not_divided(desk: Desk) -> None:
    desk.land(bars(MONTH, 25.0), dividend(9, 0.25))
    desk.land(bars(MONTH, 25.0), split(5, 4.0))
    assert desk.known() == [(opened(9), 0.25, 1.0)]
    desk.land(bars(MONTH, 25.0), dividend(9, 0.25), split(5, 4.0))
    assert (desk.known(), desk.rows()) == ([(opened(9), 0.25, 1.0)], 2)


def test_a_corrected_amount_replaces_the_former_one(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0))
    desk.land(bars(MONTH), dividend(9, 1.02))
    assert (desk.known(), desk.rows()) == ([(opened(9), 1.02, 1.02)], 2)


IMPOSSIBLE = [
    *(split(9, ratio) for ratio in (0.0, -2.0, math.nan, math.inf, 1e300, 1e-300)),
    *(dividend(9, amount) for amount in (-0.5, math.nan, math.inf, -math.inf, 0.0)),
    CorporateAction("capital_gain", opened(9), math.nan),
    dividend(-300, 1.0),
    CorporateAction("split", datetime(9999, 1, 1, tzinfo=UTC), 2.0),
    dividend(9, 1e9),
    dividend(9, 100.5),
]


def test_what_cannot_be_a_split_or_a_payment_is_set_aside_and_the_bars_land(desk: Desk) -> None:
    for one in IMPOSSIBLE:
        desk.land(bars(MONTH), one, dividend(2, 1.0))
        assert desk.known() == [(opened(2), 1.0, 1.0)], one
        assert desk.known("split") == desk.known("capital_gain") == [], one
    assert desk.bars() == 30
    rules = {"split-ratio", "payment-amount", "action-ahead", "payment-above-price"}
    assert desk.findings() == {("rejected-action", rule, "open") for rule in rules}


def test_a_good_payment_mends_the_one_of_its_day_that_was_set_aside(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 500.0), dividend(5, -1.0))
    desk.land(bars(MONTH), dividend(9, 5.0))
    assert desk.findings() == {
        ("rejected-action", "payment-above-price", "mended"),
        ("rejected-action", "payment-amount", "open"),
    }


def test_adjusted_prices_are_those_of_every_moment(desk: Desk, clock: ManualClock) -> None:
    desk.land(bars(MONTH), dividend(9, 1.0))
    restated(desk, after=2, told=(split(0, 4.0), dividend(9, 0.25)))
    desk.now += DAY
    desk.land(bars(range(30, -3, -1), 25.0), split(0, 4.0), dividend(9, 0.5))
    clock.now = desk.now
    query = BarsQuery(("AAPL",), adjusted=Adjusted.ALL, end=opened(29))
    reading = Reading(desk.database)
    before, paid = bars(MONTH).close[30 - 10], (1.0, 1.0, 2.0)
    for as_of, amount, shares in zip((NOON, NOON + 2 * DAY, None), paid, (1, 4, 4), strict=True):
        [close] = reading.table(replace(query, as_of=as_of))["close"].to_pylist()
        assert close == pytest.approx(100 * (1 - amount / before) / shares), as_of
    reading.close()


def test_an_odd_payment_is_stored_and_noted_and_a_job_may_switch_what_is_done(desk: Desk) -> None:
    desk.land(bars(MONTH), dividend(9, 60.0), dividend(5, 15.0), dividend(2, 9.0))
    assert len(desk.known()) == 2
    assert desk.findings() == {
        ("rejected-action", "payment-ignored", "open"),
        ("suspect-action", "payment-unfelt", "noted"),
    }
    desk.validation = {"payment-above-price": "note"}
    desk.land(bars(MONTH), dividend(12, 200.0))
    assert len(desk.known()) == 3
    assert ("suspect-action", "payment-above-price", "noted") in desk.findings()


def test_a_payment_that_the_price_has_felt_is_not_odd(desk: Desk) -> None:
    came = bars(MONTH)
    fall = np.where(came.at >= opened(9).timestamp(), 0.8, 1.0)
    came = replace(came, **{name: fall * getattr(came, name) for name in PRICES})
    desk.land(came, dividend(9, 20.0))
    assert (len(desk.known()), desk.findings()) == (1, set())


def test_what_an_identity_cannot_be_is_left_out_and_the_bars_land(desk: Desk) -> None:
    wrong = {"name": "App\0le\ud800", "zone": "Mars/Olympus", "unit": math.nan, "first_trade_at": NOON + 9 * DAY}
    desk.identity = replace(APPLE, **wrong)
    desk.land(bars(MONTH), dividend(9, 1.0), interval=H1)
    desk.identity = APPLE
    desk.land(bars(MONTH))
    for name, value in wrong.items():
        desk.identity = replace(APPLE, **{name: value})
        desk.land(bars(MONTH))
    table = tables.instruments
    with desk.database.read() as connection:
        columns = ("name", "zone", "currency", "unit", "first_trade_at")
        assert connection.execute(select(*table.c[columns])).one() == ("", APPLE.zone, "USD", 1.0, None)
        reasons = connection.execute(select(tables.findings.c.reason)).scalars().all()
    assert (desk.bars(), desk.bars(H1), len(reasons)) == (30, 30, 5)
    assert all(reason.startswith("left out of what the source says of it: its ") for reason in reasons)
