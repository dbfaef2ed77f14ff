"""Rows outside of regular trading, and bars of 30 minutes."""

from __future__ import annotations

from collections.abc import Sequence

from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.chart import Chart, read_chart
from stockjobs.providers.yahoo.halves import joined
from stockjobs.providers.yahoo.hours import inside_hours
from tests.fixtures.charts import at, chart, hours

HALF_DAY = hours("2026-11-27T09:30-05:00", "2026-11-27T13:00-05:00")


def quarters(times: list[str], closes: list[float | None], days: Sequence[dict[str, object]] = (HALF_DAY,)) -> Chart:
    """A chart of 15 minutes with the regular hours of some days."""
    body = chart(times, closes, dataGranularity="15m", tradingPeriods=[[day] for day in days])
    return read_chart(body, "AAPL", "15m")


def test_rows_after_an_early_close_and_before_the_open_are_left_out() -> None:
    times = [f"2026-11-27T{hour}-05:00" for hour in ("09:15", "09:30", "12:45", "13:00", "16:00")]
    read = quarters(times, [1.0] * 5)
    assert inside_hours(read.rows, Interval.M15, read.meta).at.tolist() == [at(times[1]), at(times[2])]


def test_rows_of_a_day_whose_hours_are_unknown_are_kept() -> None:
    times = ["2026-11-25T20:00-05:00", "2026-11-27T12:45-05:00"]
    read = quarters(times, [1.0, 2.0])
    assert len(inside_hours(read.rows, Interval.M15, read.meta)) == 2


def test_daily_rows_are_never_outside() -> None:
    read = quarters(["2026-11-27T00:00-05:00"], [1.0])
    assert len(inside_hours(read.rows, Interval.D1, read.meta)) == 1


def test_two_quarters_make_a_half() -> None:
    read = quarters([f"2026-11-27T{hour}-05:00" for hour in ("09:30", "09:45", "10:00")], [1.0, 3.0, 2.0])
    rows = joined(read.rows, read.meta)
    assert rows.at.tolist() == [at("2026-11-27T09:30-05:00"), at("2026-11-27T10:00-05:00")]
    assert (rows.open[0], rows.high[0], rows.low[0], rows.close[0]) == (1.0, 3.0, 1.0, 3.0)
    assert rows.volume.tolist() == [200, 100]


def test_a_null_quarter_leaves_the_other_to_speak_for_the_half() -> None:
    times = [f"2026-11-27T{hour}-05:00" for hour in ("09:30", "09:45", "10:00", "10:15")]
    read = quarters(times, [None, 3.0, 2.0, None])
    rows = joined(read.rows, read.meta)
    assert rows.open.tolist() == rows.close.tolist() == rows.high.tolist() == rows.low.tolist() == [3.0, 2.0]
    assert rows.volume.tolist() == [100, 100]


def test_two_null_quarters_make_a_null_half() -> None:
    read = quarters([f"2026-11-27T{hour}-05:00" for hour in ("09:30", "09:45")], [None, None])
    rows = joined(read.rows, read.meta)
    assert str(rows.close.tolist()) == "[nan]"
    assert rows.volume.tolist() == [-1]


def test_halves_are_counted_from_the_open_of_the_day() -> None:
    times = [f"2026-06-09T{time}+05:30" for time in ("09:15", "09:30", "09:45")]
    read = quarters(times, [1.0, 2.0, 3.0], [hours("2026-06-09T09:15+05:30", "2026-06-09T15:30+05:30")])
    assert joined(read.rows, read.meta).at.tolist() == [at(times[0]), at(times[2])]


def test_halves_are_counted_from_the_hour_where_the_open_is_unknown() -> None:
    times = [f"2026-06-09T{time}+00:00" for time in ("09:15", "09:30", "09:45")]
    read = quarters(times, [1.0, 2.0, 3.0], ())
    assert joined(read.rows, read.meta).at.tolist() == [at("2026-06-09T09:00+00:00"), at(times[1])]


def test_no_quarters_make_no_halves() -> None:
    read = quarters([], [])
    assert len(joined(read.rows, read.meta)) == 0
    assert len(inside_hours(read.rows, Interval.M15, read.meta)) == 0
