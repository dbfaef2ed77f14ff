"""Charts: shapes, windows, limits, events, the live bar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from stockjobs.simulator.market import Market
from tests.unit.simulator.conftest import Ask

DAY = 86_400


def stamp(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


def closes(chart: dict[str, Any]) -> list[float]:
    return list(chart["indicators"]["quote"][0]["close"])


def test_daily_bars_stand_at_the_opening_bell(ask: Ask) -> None:
    status, chart = ask("AAPL", period1=stamp(2026, 2, 23), period2=stamp(2026, 2, 28), interval="1d")
    assert status == 200
    assert chart["timestamp"] == [stamp(2026, 2, day, 14, 30) for day in (23, 24, 25, 26, 27)]
    assert len(chart["indicators"]["adjclose"][0]["adjclose"]) == 5
    assert chart["meta"]["dataGranularity"] == "1d"


def test_prices_are_single_precision(ask: Ask) -> None:
    _, chart = ask("AAPL", range="1y", interval="1d")
    assert all(float(np.float32(price)) == price for price in closes(chart))


def test_a_window_inside_another_has_the_same_bars(ask: Ask) -> None:
    _, wide = ask("MSFT", period1=stamp(2026, 2, 20), period2=stamp(2026, 3, 3), interval="5m")
    _, narrow = ask("MSFT", period1=stamp(2026, 2, 24), period2=stamp(2026, 2, 25), interval="5m")
    start = wide["timestamp"].index(narrow["timestamp"][0])
    assert closes(wide)[start : start + len(narrow["timestamp"])] == closes(narrow)


@pytest.mark.parametrize(
    ("interval", "bars"), [("1m", 390), ("2m", 195), ("5m", 78), ("15m", 26), ("60m", 7), ("90m", 5)]
)
def test_a_session_of_new_york_has_so_many_bars(ask: Ask, interval: str, bars: int) -> None:
    _, chart = ask("AAPL", range="1d", interval=interval)
    assert len(chart["timestamp"]) == bars
    assert "adjclose" not in chart["indicators"]
    assert len(chart["meta"]["tradingPeriods"]) == 1


def test_a_half_day_has_fewer_bars(ask: Ask, market: Market) -> None:
    market.clock.set(stamp(2025, 12, 1))
    _, chart = ask("AAPL", period1=stamp(2025, 11, 28), period2=stamp(2025, 11, 29), interval="5m")
    assert len(chart["timestamp"]) == 42


def test_trading_outside_hours_comes_when_asked_for(ask: Ask, market: Market) -> None:
    market.clock.set(stamp(2026, 3, 4, 3))
    _, chart = ask("AAPL", range="1d", interval="5m", includePrePost="true")
    assert len(chart["timestamp"]) == (330 + 390 + 240) // 5
    assert set(chart["meta"]["tradingPeriods"]) == {"pre", "regular", "post"}


def test_weeks_stand_at_monday_midnight_and_are_whole(ask: Ask) -> None:
    _, weeks = ask("AAPL", period1=stamp(2026, 2, 11), period2=stamp(2026, 2, 20), interval="1wk")
    _, days = ask("AAPL", period1=stamp(2026, 2, 9), period2=stamp(2026, 2, 14), interval="1d")
    assert weeks["timestamp"] == [stamp(2026, 2, 9, 5), stamp(2026, 2, 16, 5)]
    assert weeks["indicators"]["quote"][0]["high"][0] == max(days["indicators"]["quote"][0]["high"])
    assert weeks["indicators"]["quote"][0]["volume"][0] == sum(days["indicators"]["quote"][0]["volume"])


def test_months_and_quarters_stand_at_their_first_day(ask: Ask) -> None:
    _, months = ask("AAPL", period1=stamp(2025, 12, 1, 5), period2=stamp(2026, 3, 1), interval="1mo")
    assert months["timestamp"] == [stamp(2025, 12, 1, 5), stamp(2026, 1, 1, 5), stamp(2026, 2, 1, 5)]
    _, quarters = ask("AAPL", period1=stamp(2025, 7, 1, 4), period2=stamp(2026, 1, 1), interval="3mo")
    assert quarters["timestamp"] == [stamp(2025, 7, 1, 4), stamp(2025, 10, 1, 4)]


def test_the_last_bar_of_an_open_market_is_live(ask: Ask, market: Market) -> None:
    now = stamp(2026, 3, 3, 16, 2) + 33
    market.clock.set(now)
    _, days = ask("AAPL", range="5d", interval="1d")
    _, minutes = ask("AAPL", range="1d", interval="5m")
    _, weeks = ask("AAPL", range="1mo", interval="1wk")
    price = days["meta"]["regularMarketPrice"]
    for chart in (days, minutes, weeks):
        assert chart["timestamp"][-1] == now == chart["meta"]["regularMarketTime"]
        assert closes(chart)[-1] == price
    assert minutes["timestamp"][-2] == stamp(2026, 3, 3, 16, 0)
    assert days["timestamp"][-2] == stamp(2026, 3, 2, 14, 30)


def test_the_live_bar_grows_into_the_final_one(ask: Ask, market: Market) -> None:
    market.clock.set(stamp(2026, 3, 3, 18))
    _, live = ask("AAPL", range="1d", interval="1d")
    market.clock.set(stamp(2026, 3, 3, 22))
    _, final = ask("AAPL", range="1d", interval="1d")
    then, later = live["indicators"]["quote"][0], final["indicators"]["quote"][0]
    assert then["open"] == later["open"]
    assert then["high"][0] <= later["high"][0]
    assert then["low"][0] >= later["low"][0]
    assert then["volume"][0] < later["volume"][0]


def test_splits_and_dividends_come_when_asked_for(ask: Ask) -> None:
    window = {"period1": stamp(2020, 8, 1), "period2": stamp(2020, 9, 10), "interval": "1d"}
    _, plain = ask("AAPL", **window)
    _, told = ask("AAPL", **window, events="div,splits,capitalGains")
    assert "events" not in plain
    opened = stamp(2020, 8, 31, 13, 30)
    assert told["events"]["splits"] == {
        str(opened): {"date": opened, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}
    }


def test_adjusted_closes_are_below_until_the_last_dividend(ask: Ask) -> None:
    _, chart = ask("KO", range="2y", interval="1d", events="div")
    adjusted = chart["indicators"]["adjclose"][0]["adjclose"]
    last_paid = max(int(at) for at in chart["events"]["dividends"])
    for at, close, after in zip(chart["timestamp"], closes(chart), adjusted, strict=True):
        assert (after == close) is (at >= last_paid)


def test_before_a_real_split_the_old_prices_are_served(ask: Ask, market: Market) -> None:
    window = {"period1": stamp(2020, 8, 3), "period2": stamp(2020, 8, 8), "interval": "1d"}
    _, after = ask("AAPL", **window)
    market.clock.set(stamp(2020, 8, 28))
    _, before = ask("AAPL", **window)
    assert closes(before) == pytest.approx([4 * price for price in closes(after)], rel=1e-6)


def test_a_weekend_is_an_empty_chart(ask: Ask) -> None:
    status, chart = ask("AAPL", period1=stamp(2026, 2, 28), period2=stamp(2026, 3, 2), interval="1d")
    assert status == 200
    assert "timestamp" not in chart
    assert chart["indicators"]["quote"] == [{}]


def test_an_unknown_symbol_is_404_in_yahoos_words(ask: Ask) -> None:
    status, error = ask("NOPE", range="5d")
    assert (status, error) == (404, {"code": "Not Found", "description": "No data found, symbol may be delisted"})


def test_a_symbol_that_is_not_listed_yet_is_unknown(ask: Ask, market: Market) -> None:
    market.clock.set(stamp(2010, 1, 4))
    assert ask("META", range="5d")[0] == 404


@pytest.mark.parametrize(
    ("interval", "days", "words"),
    [
        ("1m", 9, "Only 8 days worth of 1m granularity data are allowed to be fetched per request."),
        ("2m", 61, "must be within the last 60 days."),
        ("5m", 61, "must be within the last 60 days."),
        ("90m", 61, "must be within the last 60 days."),
        ("1h", 731, "must be within the last 730 days."),
    ],
)
def test_a_window_beyond_the_limit_of_its_interval_is_422(ask: Ask, interval: str, days: int, words: str) -> None:
    end = stamp(2026, 3, 3)
    status, error = ask("AAPL", period1=end - days * DAY, period2=end, interval=interval)
    assert status == 422
    assert error["description"].endswith(words)


def test_minutes_older_than_thirty_days_are_422(ask: Ask) -> None:
    start = stamp(2026, 3, 3) - 31 * DAY
    status, error = ask("AAPL", period1=start, period2=start + DAY, interval="1m")
    assert status == 422
    assert error["description"].endswith("The requested range must be within the last 30 days.")


@pytest.mark.parametrize(("interval", "wanted"), [("1h", "730d"), ("5m", "60d"), ("1m", "8d"), ("1h", "2y")])
def test_a_range_that_just_fits_is_served(ask: Ask, interval: str, wanted: str) -> None:
    assert ask("AAPL", range=wanted, interval=interval)[0] == 200


@pytest.mark.parametrize("arguments", [{"interval": "7m"}, {"range": "soon"}])
def test_nonsense_is_422(ask: Ask, arguments: dict[str, str]) -> None:
    assert ask("AAPL", **arguments)[0] == 422


@pytest.mark.parametrize(
    "window",
    [
        {"period1": stamp(1980, 1, 1), "period2": stamp(1981, 1, 1)},
        {"period1": stamp(2027, 1, 1), "period2": stamp(2027, 2, 1)},
        {"period1": stamp(2026, 2, 1), "period2": stamp(2026, 1, 1)},
        {"period1": "tomorrow"},
    ],
)
def test_a_window_without_a_market_is_400(ask: Ask, window: dict[str, object]) -> None:
    status, error = ask("AAPL", interval="1d", **window)
    assert (status, error["code"]) == (400, "Bad Request")
