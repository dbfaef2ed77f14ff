"""The last row of a chart while the market is open."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.chart import Chart, read_chart
from stockjobs.providers.yahoo.live import mark_provisional, settle
from tests.fixtures.charts import at, chart, hours

NOON = "2026-06-09T12:03:07-04:00"
LIVE = {"regularMarketTime": at(NOON)}


def settled(interval: str, times: list[str], closes: list[float | None], **changes: object) -> Bars:
    read = read_chart(chart(times, closes, dataGranularity=interval, **{**LIVE, **changes}), "AAPL", interval)
    return settle(read.rows, Interval(interval), read.meta)


def test_todays_bar_is_put_where_the_other_days_stand() -> None:
    rows = settled("1d", ["2026-06-08T09:30-04:00", NOON], [1.0, 2.0])
    assert rows.at.tolist() == [at("2026-06-08T09:30-04:00"), at("2026-06-09T09:30-04:00")]


def test_todays_bar_follows_the_zone_through_a_change_of_clocks() -> None:
    monday = "2026-03-09T12:00:01-04:00"
    rows = settled("1d", ["2026-03-06T09:30-05:00", monday], [1.0, 2.0], regularMarketTime=at(monday))
    assert rows.at[-1] == at("2026-03-09T09:30-04:00")


def test_todays_bar_alone_is_put_at_the_open_of_the_session() -> None:
    assert settled("1d", [NOON], [2.0]).at.tolist() == [at("2026-06-09T09:30-04:00")]


def test_todays_bar_takes_the_place_of_one_that_is_there_already() -> None:
    rows = settled("1d", ["2026-06-08T09:30-04:00", "2026-06-09T09:30-04:00", NOON], [1.0, 2.0, 3.0])
    assert rows.at.tolist() == [at("2026-06-08T09:30-04:00"), at("2026-06-09T09:30-04:00")]
    assert rows.close.tolist() == [1.0, 3.0]
    assert rows.volume.tolist() == [100, 100]


def test_the_bar_of_a_closed_day_that_still_stands_at_its_last_trade_is_put_at_the_open() -> None:
    closing = "2026-06-09T16:00:01-04:00"
    rows = settled("1d", ["2026-06-08T09:30-04:00", closing], [1.0, 2.0], regularMarketTime=at(closing))
    assert rows.at[-1] == at("2026-06-09T09:30-04:00")


def test_a_bar_within_the_day_is_counted_from_the_open() -> None:
    rows = settled("1h", ["2026-06-09T10:30-04:00", "2026-06-09T11:30-04:00", NOON], [1.0, 2.0, 3.0])
    assert rows.at.tolist() == [at("2026-06-09T10:30-04:00"), at("2026-06-09T11:30-04:00")]


def test_the_last_trade_is_merged_into_the_bar_that_it_belongs_to() -> None:
    rows = settled("5m", ["2026-06-09T11:55-04:00", "2026-06-09T12:00-04:00", NOON], [1.0, 2.0, 3.0])
    assert (rows.open[-1], rows.high[-1], rows.low[-1], rows.close[-1]) == (2.0, 3.0, 2.0, 3.0)
    assert rows.volume.tolist() == [100, 200]


def test_the_last_trade_fills_a_bar_that_was_null() -> None:
    rows = settled("5m", ["2026-06-09T11:55-04:00", "2026-06-09T12:00-04:00", NOON], [1.0, None, 3.0])
    assert (rows.open[-1], rows.high[-1], rows.low[-1], rows.close[-1]) == (3.0, 3.0, 3.0, 3.0)
    assert rows.volume.tolist() == [100, 100]


def test_the_last_trade_without_a_bar_opens_one() -> None:
    rows = settled("5m", ["2026-06-09T11:55-04:00", NOON], [1.0, 3.0])
    assert rows.at[-1] == at("2026-06-09T12:00-04:00")


@pytest.mark.parametrize(
    ("interval", "times"),
    [
        ("1wk", ["2026-06-01T00:00-04:00", "2026-06-08T00:00-04:00", NOON]),
        ("1mo", ["2026-05-01T00:00-04:00", "2026-06-01T00:00-04:00", NOON]),
    ],
)
def test_today_is_merged_into_its_week_and_its_month(interval: str, times: list[str]) -> None:
    rows = settled(interval, times, [1.0, 2.0, 3.0])
    assert rows.at.tolist() == [at(times[0]), at(times[1])]
    assert rows.close.tolist() == [1.0, 3.0]
    assert rows.volume.tolist() == [100, 200]


@pytest.mark.parametrize(
    ("interval", "before", "start"),
    [
        ("1wk", "2026-06-01T00:00-04:00", "2026-06-08T00:00-04:00"),
        ("1wk", None, "2026-06-08T00:00-04:00"),
        ("1mo", "2026-05-01T00:00-04:00", "2026-06-01T00:00-04:00"),
        ("1mo", None, "2026-06-01T00:00-04:00"),
    ],
)
def test_the_first_trade_of_a_week_or_month_opens_it(interval: str, before: str | None, start: str) -> None:
    times = [NOON] if before is None else [before, NOON]
    assert settled(interval, times, [1.0] * len(times)).at[-1] == at(start)


@pytest.mark.parametrize(
    ("interval", "times"),
    [
        ("1d", ["2026-06-05T09:30-04:00", "2026-06-08T09:30-04:00"]),
        ("5m", ["2026-06-09T09:30-04:00", "2026-06-09T09:35-04:00"]),
        ("1wk", ["2026-05-25T00:00-04:00", "2026-06-01T00:00-04:00"]),
    ],
)
def test_a_chart_whose_last_bar_is_not_live_is_left_alone(interval: str, times: list[str]) -> None:
    assert settled(interval, times, [1.0, 2.0]).at.tolist() == [at(time) for time in times]


def test_an_afternoon_bar_after_lunch_keeps_its_time() -> None:
    """Its hour is counted from the end of the break, not from the open."""
    times = ["2026-06-09T11:00+09:00", "2026-06-09T12:30+09:00"]
    day = hours("2026-06-09T09:00+09:00", "2026-06-09T15:30+09:00")
    rows = settled("1h", times, [1.0, 2.0], exchangeTimezoneName="Asia/Tokyo", tradingPeriods=[[day]])
    assert rows.at[-1] == at(times[1])


def test_no_rows_stay_no_rows() -> None:
    read = read_chart(chart([], []), "AAPL", "1d")
    assert len(settle(read.rows, Interval.D1, read.meta)) == 0
    assert len(mark_provisional(read.rows, Interval.D1, read.meta, datetime.fromisoformat(NOON))) == 0


def provisional(read: Chart, interval: Interval, now: str) -> list[bool]:
    marks: list[bool] = mark_provisional(
        read.rows, interval, read.meta, datetime.fromisoformat(now)
    ).provisional.tolist()
    return marks


@pytest.mark.parametrize(
    ("traded", "now", "expected"),
    [
        (NOON, "2026-06-09T12:05:00-04:00", True),
        # Delayed prices: the close has passed, its trades have not been served yet.
        ("2026-06-09T15:50:00-04:00", "2026-06-09T16:05:00-04:00", True),
        ("2026-06-09T16:00:01-04:00", "2026-06-09T16:00:02-04:00", False),
        # A share without a trade since noon is final when no delay can explain it any more.
        (NOON, "2026-06-09T16:30:00-04:00", False),
        ("2026-06-09T16:00:01-04:00", "2026-06-10T12:00:00-04:00", False),
    ],
)
def test_todays_bar_is_provisional_until_the_close_is_known(traded: str, now: str, expected: bool) -> None:
    days = ["2026-06-08T09:30-04:00", "2026-06-09T09:30-04:00"]
    read = read_chart(chart(days, [1.0, 2.0], regularMarketTime=at(traded)), "AAPL", "1d")
    assert provisional(read, Interval.D1, now) == [False, expected]


def test_yesterdays_bar_is_final_before_the_open() -> None:
    days = ["2026-06-05T09:30-04:00", "2026-06-08T09:30-04:00"]
    read = read_chart(chart(days, [1.0, 2.0], regularMarketTime=at("2026-06-08T16:00:01-04:00")), "AAPL", "1d")
    assert provisional(read, Interval.D1, "2026-06-09T08:00:00-04:00") == [False, False]


@pytest.mark.parametrize(("traded", "expected"), [("12:04:59", True), ("12:05:00", False)])
def test_a_bar_within_the_day_is_provisional_until_a_trade_after_it(traded: str, expected: bool) -> None:
    traded = f"2026-06-09T{traded}-04:00"
    bars = ["2026-06-09T11:55-04:00", "2026-06-09T12:00-04:00"]
    read = read_chart(chart(bars, [1.0, 2.0], dataGranularity="5m", regularMarketTime=at(traded)), "AAPL", "5m")
    assert provisional(read, Interval.M5, "2026-06-09T12:20:00-04:00") == [False, expected]


@pytest.mark.parametrize(
    ("interval", "start", "still", "final"),
    [
        (Interval.W1, "2026-06-01T00:00-04:00", "2026-06-07T23:59-04:00", "2026-06-08T00:00-04:00"),
        (Interval.MO1, "2026-05-01T00:00-04:00", "2026-05-31T23:59-04:00", "2026-06-01T00:00-04:00"),
    ],
)
def test_a_week_and_a_month_are_provisional_until_they_are_over(
    interval: Interval, start: str, still: str, final: str
) -> None:
    read = read_chart(
        chart([start], [1.0], dataGranularity=interval.value, currentTradingPeriod=None), "AAPL", interval.value
    )
    assert provisional(read, interval, still) == [True]
    assert provisional(read, interval, final) == [False]


def test_without_a_session_a_day_ends_at_midnight() -> None:
    body = chart(["2026-06-09T00:00+00:00"], [1.0], currentTradingPeriod=None, exchangeTimezoneName="UTC")
    read = read_chart(body, "AAPL", "1d")
    assert provisional(read, Interval.D1, "2026-06-09T12:00+00:00") == [True]
    assert not np.any(provisional(read, Interval.D1, "2026-06-10T00:00+00:00"))
