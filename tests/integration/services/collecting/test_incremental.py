"""Incremental runs on both databases against the local server: asked once at most, and nothing written for nothing new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.market.calendars import Calendars
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.house import House
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration

TUESDAY_NIGHT = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
"""New York has closed, and opens again at 14:30."""


@pytest.fixture
def market(house: House, yahoo: SimulatorClient) -> Iterator[SimulatorClient]:
    """The local server at the time of the house, which asks it."""
    provider = registry.open_provider("yahoo", YahooOptions(base_url=yahoo.url))
    house.provider = provider  # type: ignore[assignment]
    move(house, yahoo, TUESDAY_NIGHT)
    yield yahoo
    provider.close()


def move(house: House, market: SimulatorClient, now: datetime) -> None:
    house.clock.now = now
    market.set_clock(now)


def collect(house: House, job: str = "DAILY") -> Outcome:
    """Collect, with the calendars of what is stored by then."""
    house.trigger(job)
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.COMPLETED, outcome.error
    Calendars(house.database).refresh()
    return outcome


def asked(market: SimulatorClient) -> int:
    return int(market.call("GET", "counters")["total"])


def forget(market: SimulatorClient) -> None:
    market.call("DELETE", "counters")


def written(house: House) -> dict[str, tuple[int, int]]:
    """For each table of the market data: the tuples ever inserted, changed and removed, and the dead ones; on PostgreSQL."""
    names = (
        "bars",
        "positions",
        "landings",
        "instruments",
        "symbols",
        "corporate_actions",
        "gaps",
        "findings",
        "sessions",
    )
    # Connections tell what they did some seconds later, or when they close.
    house.database.dispose()
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    eventually(lambda: asked_of(house, f"{others} AND backend_type = 'client backend'") == 0)
    query = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del, n_dead_tup FROM pg_stat_user_tables WHERE relname = ANY(:names)"
    with house.database.begin() as connection:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        return {
            name: (changed, dead) for name, changed, dead in connection.execute(text(query), {"names": list(names)})
        }


def asked_of(house: House, query: str) -> object:
    """The answer to a question of one value."""
    with house.database.read() as connection:
        return connection.execute(text(query)).scalar_one()


def test_while_the_market_is_closed_nothing_is_asked(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL", "MSFT"])
    assert collect(house).landed.written > 400
    forget(market)
    outcome = collect(house)
    assert (outcome.landed.written, outcome.skipped, asked(market)) == (0, 2, 0)


def test_what_is_skipped_is_a_success_and_told(house: House, market: SimulatorClient) -> None:
    house.define(symbols=["AAPL", "MSFT"])
    collect(house)
    collect(house)
    report = house.reports.occurrences()[0]
    assert (report.state, report.symbols) == ("completed", 2)
    [told] = [
        event
        for event in house.feed.after(0, house.feed.filter(names=(EventName.PROGRESS,)))
        if "skipped" in event.data
    ]
    assert told.data["skipped"] == 2


def test_over_a_holiday_weekend_nothing_is_asked_and_the_overlap_is_five_bars(
    house: House, market: SimulatorClient
) -> None:
    # Monday 16 February 2026 is Presidents' Day.
    move(house, market, datetime(2026, 2, 14, 3, 0, tzinfo=UTC))
    house.define(symbols=["AAPL"])
    collect(house)
    forget(market)
    for now in ("2026-02-15T12:00", "2026-02-16T20:00", "2026-02-17T14:00"):
        move(house, market, datetime.fromisoformat(now).replace(tzinfo=UTC))
        assert collect(house).skipped == 1
    assert asked(market) == 0
    move(house, market, datetime(2026, 2, 17, 23, 0, tzinfo=UTC))
    outcome = collect(house)
    # Friday's and the five before it come again, Tuesday's is new.
    assert (asked(market), outcome.landed.received, outcome.landed.written) == (1, 7, 1)


def test_an_open_market_is_asked_once_a_symbol_and_nothing_is_written_for_nothing_new(
    house: House, market: SimulatorClient
) -> None:
    move(house, market, datetime(2026, 3, 4, 16, 2, 30, tzinfo=UTC))
    house.define(symbols=["AAPL", "MSFT"], intervals=["1m"], window={"period": "P5D"})
    collect(house)
    before = written(house) if house.database.is_postgresql else {}
    forget(market)
    outcome = collect(house)
    assert (outcome.landed.written, asked(market)) == (0, 2)
    if house.database.is_postgresql:
        assert written(house) == before


def test_a_coin_is_asked_on_sundays(house: House, market: SimulatorClient) -> None:
    move(house, market, datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
    house.define(symbols=["BTC-USD"])
    collect(house)
    forget(market)
    assert collect(house).skipped == 0
    assert asked(market) == 1


def test_a_null_newest_bar_is_asked_for_until_it_has_prices(house: House, market: SimulatorClient) -> None:
    nothing = {"open": None, "high": None, "low": None, "close": None}
    market.restate("AAPL", day="2026-03-03", **nothing)
    house.define(symbols=["AAPL"])
    collect(house)
    assert newest_day(house) == "2026-03-02"
    forget(market)
    assert collect(house).skipped == 0
    assert asked(market) == 1
    market.call("DELETE", "edits")
    assert collect(house).landed.written == 1
    assert newest_day(house) == "2026-03-03"
    forget(market)
    assert collect(house).skipped == 1
    assert asked(market) == 0


def newest_day(house: House) -> str:
    [held] = house.reports.holdings()
    return f"{held.last:%Y-%m-%d}"


def test_an_overlap_of_minutes_reaches_back_over_the_weekend_in_one_request(
    house: House, market: SimulatorClient
) -> None:
    move(house, market, datetime(2026, 3, 6, 21, 30, tzinfo=UTC))
    house.define(symbols=["AAPL"], intervals=["1m"], window={"period": "P1D"})
    collect(house)
    forget(market)
    move(house, market, datetime(2026, 3, 9, 13, 32, 30, tzinfo=UTC))
    outcome = collect(house)
    assert asked(market) == 1
    # Friday's last six, and those of 13:30, 13:31 and 13:32 on Monday, by summer time.
    assert outcome.landed.received == 9


def test_fundamentals_are_asked_once_a_day_at_most(house: House, market: SimulatorClient) -> None:
    house.define("REPORTS", type="fundamentals", symbols=["AAPL"])
    assert collect(house, "REPORTS").landed.written > 100
    forget(market)
    house.clock.advance(timedelta(hours=2))
    outcome = collect(house, "REPORTS")
    assert (outcome.skipped, asked(market)) == (1, 0)
