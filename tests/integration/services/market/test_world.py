"""The world's markets from the provider to what is read and reported: hours, weeks and days of each by its own clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import BarsQuery
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.markets.sessions import sessions
from stockjobs.providers import registry
from stockjobs.services.market.calendars import Calendars, forget
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Coverage, Wanted
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.services.market.reading import Reading
from stockjobs.services.market.repair import Repair
from stockjobs.store import tables
from stockjobs.store.market import instruments
from tests.fixtures.database import Beginning
from tests.fixtures.house import House, beginning_in_house, day
from tests.fixtures.world import Venue, WorldProvider

pytestmark = pytest.mark.integration

NOW = datetime(2026, 4, 1, 18, tzinfo=UTC)
"""A Wednesday; clocks went forward on 8 March in New York, on the 27th in Israel, and on the 29th in Europe."""

TOKYO = (("09:00", "11:30"), ("12:30", "15:30"))
HONG_KONG = (("09:30", "12:00"), ("13:00", "16:00"))
NEW_YORK, SHORT = (("09:30", "16:00"),), (("09:30", "13:00"),)


def weekly(first: date, weeks: int, *hours: tuple[str, str]) -> dict[date, tuple[tuple[str, str], ...]]:
    """The same hours on one day of so many weeks."""
    return {first + timedelta(weeks=week): hours for week in range(weeks)}


SUNDAYS = weekly(date(2025, 11, 2), 10, ("09:59", "15:40"))
"""Of Tel Aviv, until the first of 2026; Fridays since."""
FRIDAYS = weekly(date(2026, 1, 9), 12, ("09:59", "13:50"))
FRIDAY_NIGHTS = weekly(date(2025, 11, 7), 30, ("00:00", "22:00")) | weekly(date(2026, 3, 13), 3, ("00:00", "21:00"))
"""Currencies stop at 17:00 in New York: in London an hour earlier while only New York has its summer time."""
SUNDAY_NIGHTS = weekly(date(2026, 3, 1), 5, ("22:00", "24:00")) | weekly(date(2026, 3, 8), 3, ("21:00", "24:00"))

VENUES = {
    "7203.T": Venue("JPX", "Asia/Tokyo", TOKYO, other={date(2026, 3, 20): ()}, currency="JPY"),
    "6758.T": Venue("JPX", "Asia/Tokyo", TOKYO, other={date(2026, 3, 20): ()}, from_lunch=True, currency="JPY"),
    "0700.HK": Venue("HKG", "Asia/Hong_Kong", HONG_KONG, from_lunch=True, currency="HKD"),
    "600519.SS": Venue("SHH", "Asia/Shanghai", (("09:30", "11:30"), ("13:00", "15:00")), from_lunch=True),
    "TEVA.TA": Venue(
        "TLV", "Asia/Jerusalem", (("09:59", "17:15"),), (0, 1, 2, 3), SUNDAYS | FRIDAYS, currency="ILS", unit=0.01
    ),
    "2222.SR": Venue("SAU", "Asia/Riyadh", (("10:00", "15:00"),), (6, 0, 1, 2, 3), currency="SAR"),
    "BTC-USD": Venue("CCC", "UTC", (("00:00", "24:00"),), tuple(range(7)), kind="CRYPTOCURRENCY"),
    "EURUSD=X": Venue("CCY", "Europe/London", (("00:00", "24:00"),), other=FRIDAY_NIGHTS, kind="CURRENCY"),
    "GBPUSD=X": Venue(
        "CCY", "Europe/London", (("00:00", "24:00"),), other=FRIDAY_NIGHTS | SUNDAY_NIGHTS, kind="CURRENCY"
    ),
    "VOD.L": Venue("LSE", "Europe/London", (("08:00", "16:30"),), currency="GBP", unit=0.01),
    "AAPL": Venue("NMS", "America/New_York", NEW_YORK, other={date(2025, 11, 27): (), date(2025, 11, 28): SHORT}),
}
COLLECTED = {
    ("5m", "2026-03-16", "2026-03-28"): "7203.T 6758.T 0700.HK 600519.SS BTC-USD",
    ("15m", "2026-03-16", "2026-03-28"): "7203.T 6758.T 0700.HK 600519.SS AAPL VOD.L",
    ("1h", "2026-03-16", "2026-04-01"): "7203.T 6758.T 0700.HK 600519.SS BTC-USD EURUSD=X GBPUSD=X AAPL VOD.L",
    ("1h", "2025-11-24", "2025-12-03"): "AAPL BTC-USD",
    ("1h", "2025-12-07", "2026-01-20"): "TEVA.TA",
    ("1h", "2026-03-24", "2026-04-01"): "2222.SR",
    ("1m", "2026-03-05", "2026-03-11"): "AAPL",
    ("1m", "2026-03-26", "2026-04-01"): "VOD.L",
    ("1d", "2025-12-07", "2026-01-31"): "TEVA.TA BTC-USD",
    ("1d", "2026-03-02", "2026-04-01"): "EURUSD=X VOD.L AAPL 7203.T",
    ("1d", "2026-03-24", "2026-04-01"): "2222.SR",
    ("1wk", "2025-12-01", "2026-01-31"): "TEVA.TA BTC-USD",
    ("1wk", "2026-02-02", "2026-04-01"): "EURUSD=X VOD.L AAPL 2222.SR",
}
"""Interval, start and end (excluded), and which symbols."""

HOLES = {
    "7203.T": {datetime(2026, 3, 18, 4, 0, tzinfo=UTC)},
    "6758.T": {datetime(2026, 3, 18, 4, 30, tzinfo=UTC)},
    "AAPL": {datetime(2026, 3, 18, 15, 30, tzinfo=UTC)},
}
"""Bars that are really missing: of 13:00 and of 13:30 in Tokyo, of 11:30 in New York."""


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, collect_the_world)


def collect_the_world(house: House) -> None:
    house.clock.now = NOW
    house.provider = WorldProvider(venues=VENUES, holes=HOLES)
    with house.database.begin() as connection:
        for symbol, venue in VENUES.items():
            identity = Identity(symbol, venue.exchange, venue.zone, venue.currency, venue.kind, unit=venue.unit)
            instruments.ensure(connection, "yahoo", identity, NOW)
    Calendars(house.database, lambda exchange, first, last: sessions(exchange, date(2025, 1, 1), last)).refresh()
    for number, ((interval, start, end), symbols) in enumerate(COLLECTED.items()):
        house.define(f"J{number}", symbols=symbols.split(), intervals=[interval])
        house.trigger(f"J{number}", window=WindowSpec(start=start, end=end))
    house.dispatch.tick()
    for lane in Lane:
        for outcome in house.work(lane):
            assert outcome.verdict.value == "completed", outcome


@pytest.fixture(autouse=True)
def in_april(house: House) -> None:
    house.clock.now = NOW


def coverage(house: House, symbol: str, interval: str, start: str, end: str) -> Coverage:
    wanted = Wanted("yahoo", (symbol,), Interval(interval), day(start), day(end))
    [found] = CoverageService(house.database, registry.limits).look(wanted)
    return found


Local = Callable[[str, str, str, str], list[datetime]]
"""When the stored bars of a symbol, an interval and a window open, by the clocks of their market."""


@pytest.fixture
def local(house: House) -> Iterator[Local]:
    reading = Reading(house.database)

    def read(symbol: str, interval: str, start: str, end: str) -> list[datetime]:
        query = BarsQuery((symbol,), Interval(interval), day(start), day(end))
        return [at.astimezone(ZoneInfo(VENUES[symbol].zone)) for at in reading.table(query)["at"].to_pylist()]

    yield read
    reading.close()


def test_of_every_market_all_is_stored_and_only_what_the_source_left_out_is_missing(house: House) -> None:
    missing = set()
    for (interval, start, end), symbols in COLLECTED.items():
        for symbol in symbols.split():
            found = coverage(house, symbol, interval, start, end)
            assert found.expected > 5, (symbol, interval)
            assert found.stored + sum(hole.missing for hole in found.holes) == found.expected
            missing |= {(symbol, interval, hole.day, hole.missing, hole.cause) for hole in found.holes}
    wednesday, absent = date(2026, 3, 18), Cause.SOURCE_ABSENT
    assert missing == {
        (symbol, interval, wednesday, 1, absent)
        for symbol, interval in [
            *(("7203.T", interval) for interval in ("5m", "15m", "1h")),
            *(("6758.T", interval) for interval in ("5m", "15m", "1h")),
            *(("AAPL", interval) for interval in ("15m", "1h")),
        ]
    }
    assert list(Quarantine(house.database).listed()) == []


def test_lunch_breaks_are_no_gaps_wherever_the_bars_of_the_afternoon_are_counted_from(local: Local) -> None:
    for symbol, afternoon in (
        ("7203.T", ["12:30", "13:00", "14:00", "15:00"]),
        ("6758.T", ["12:30", "13:30", "14:30"]),
    ):
        found = local(symbol, "1h", "2026-03-17", "2026-03-18")
        assert [f"{at:%H:%M}" for at in found] == ["09:00", "10:00", "11:00", *afternoon]


def test_tel_aviv_has_its_sundays_until_2026_and_its_fridays_since(local: Local) -> None:
    found = local("TEVA.TA", "1d", "2025-12-28", "2026-01-17")
    old = "Sun 28, Mon 29, Tue 30, Wed 31, Thu 01, Sun 04"
    new = "Mon 05, Tue 06, Wed 07, Thu 08, Fri 09, Mon 12, Tue 13, Wed 14, Thu 15, Fri 16"
    assert ", ".join(f"{at:%a %d}" for at in found) == f"{old}, {new}"
    weeks = local("TEVA.TA", "1wk", "2025-12-20", "2026-01-20")
    assert [f"{at:%a %d %H:%M}" for at in weeks] == [f"Mon {day} 00:00" for day in ("22", "29", "05", "12", "19")]


def test_a_day_and_a_week_of_crypto_are_those_of_utc(local: Local) -> None:
    days = local("BTC-USD", "1d", "2025-12-27", "2026-01-03")
    assert [f"{at:%a %H:%M}" for at in days] == [
        f"{name} 00:00" for name in ("Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri")
    ]
    assert len(local("BTC-USD", "1h", "2025-11-29", "2025-11-30")) == 24


def test_a_week_of_currencies_ends_at_the_close_of_new_york_and_begins_on_sunday_night(local: Local) -> None:
    found = local("GBPUSD=X", "1h", "2026-03-20", "2026-03-24")
    turn = [f"{at:%a %H:%M}" for at in found if at.weekday() in (4, 6)]
    # New York has its summer time already, London not yet.
    assert turn[20:] == ["Fri 20:00", "Sun 21:00", "Sun 22:00", "Sun 23:00"]
    assert f"{local('EURUSD=X', '1h', '2026-03-27', '2026-03-28')[-1]:%a %H:%M}" == "Fri 20:00"


def test_a_half_day_has_the_hours_until_its_close(local: Local) -> None:
    found = local("AAPL", "1h", "2025-11-26", "2025-11-30")
    assert [f"{at:%d %H:%M}" for at in found if at.day == 28] == ["28 09:30", "28 10:30", "28 11:30", "28 12:30"]
    assert {at.day for at in found} == {26, 28}


def test_minutes_go_on_over_the_change_of_clocks_on_the_day_of_each_market(house: House, local: Local) -> None:
    for symbol, before, after in (("AAPL", "2026-03-06", "2026-03-09"), ("VOD.L", "2026-03-27", "2026-03-30")):
        (first, *_), (second, *_) = (
            [at.astimezone(UTC) for at in local(symbol, "1m", one, f"{one[:-2]}{int(one[-2:]) + 1:02}")]
            for one in (before, after)
        )
        assert first.hour - second.hour == 1
        assert coverage(house, symbol, "1m", before, after).percent == 100


def test_repair_asks_for_the_hours_that_are_really_missing_and_for_nothing_else(house: House) -> None:
    service = CoverageService(house.database, registry.limits)
    repair = Repair(house.database, service, house.instances, house.administration, registry.limits)
    symbols = ("7203.T", "6758.T", "0700.HK", "600519.SS", "EURUSD=X", "AAPL", "VOD.L")
    wanted = [Wanted("yahoo", symbols, Interval.H1, day("2026-03-16"), day("2026-04-01"))]
    assert repair.plan(wanted).parts == ()
    plan = repair.plan(wanted, force=True)
    assert {symbol for part in plan.parts for symbol in part.symbols} == set(HOLES)
    provider = house.provider = WorldProvider(venues=VENUES)
    repair.submit(plan, submitter="test")
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    assert len(provider.asked) == 3
    assert repair.plan(wanted, force=True).parts == ()


@pytest.mark.parametrize(
    ("now", "symbol", "is_asked"),
    [
        (datetime(2026, 4, 1, 3, 15, tzinfo=UTC), "7203.T", False),
        (datetime(2026, 4, 1, 3, 45, tzinfo=UTC), "7203.T", True),
        (datetime(2026, 4, 1, 9, 0, tzinfo=UTC), "6758.T", False),
        (datetime(2026, 4, 4, 12, 0, tzinfo=UTC), "BTC-USD", True),
        (datetime(2026, 4, 4, 12, 0, tzinfo=UTC), "EURUSD=X", False),
    ],
)
def test_nothing_is_asked_while_a_market_rests(house: House, now: datetime, symbol: str, is_asked: bool) -> None:
    house.clock.now = now
    provider = house.provider = WorldProvider(venues=VENUES)
    house.define("NEWS", symbols=[symbol], intervals=["1h"])
    for _ in range(2):
        provider.asked.clear()
        house.trigger("NEWS")
        house.dispatch.tick()
        for lane in Lane:
            house.work(lane)
    assert bool(provider.asked) is is_asked
    assert list(Quarantine(house.database).listed()) == []


def test_bars_that_come_while_no_calendar_of_their_exchange_is_known_are_not_set_aside_for_it(house: House) -> None:
    kuala_lumpur = Venue("KLS", "Asia/Kuala_Lumpur", (("09:00", "12:30"), ("14:30", "17:00")), currency="MYR")
    house.provider = WorldProvider(venues={"1155.KL": kuala_lumpur, "9984.T": VENUES["7203.T"]})
    with house.database.begin() as connection:
        connection.execute(delete(tables.calendars).where(tables.calendars.c.exchange == "XTKS"))
    forget(house.database)
    house.define("FIRST", symbols=["1155.KL", "9984.T"], intervals=["1h", "1d"], window={"period": "P10D"})
    for _ in range(2):
        house.trigger("FIRST")
        house.dispatch.tick()
        assert [outcome.verdict.value for lane in Lane for outcome in house.work(lane)] == ["completed"] * 2
        assert list(Quarantine(house.database).listed()) == []
        Calendars(house.database, lambda exchange, first, last: sessions(exchange, date(2025, 1, 1), last)).refresh()
        house.clock.advance(timedelta(days=1))
    assert coverage(house, "9984.T", "1h", "2026-03-25", "2026-04-02").percent == 100
