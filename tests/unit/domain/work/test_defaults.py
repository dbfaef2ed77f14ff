"""What an installation fills in where a job says nothing."""

from __future__ import annotations

from typing import Any

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.defaults import Defaults, filled_in
from stockjobs.domain.work.jobs import JobSpec

DEFAULTS = Defaults(("AAPL",), (Interval.H1, Interval.D1), "P5Y")


def spec(**fields: Any) -> JobSpec:
    return JobSpec.model_validate({"type": "marketdata", **fields})


def test_a_job_that_says_nothing_gets_all_of_them() -> None:
    filled = filled_in(spec(), DEFAULTS)
    assert (filled.symbols, filled.intervals, filled.window.period) == (("AAPL",), (Interval.H1, Interval.D1), "P5Y")


def test_what_a_job_says_stands_even_if_it_is_what_would_be_anyway() -> None:
    said = spec(symbols=["MSFT"], intervals=["1d"], window={"period": "P10Y"})
    assert filled_in(said, DEFAULTS) == said


def test_a_window_with_a_start_needs_no_period_and_one_with_an_end_alone_does() -> None:
    since = {"start": "2026-01-01T00:00:00Z"}
    assert filled_in(spec(mode="backfill", window=since), DEFAULTS).window.period is None
    until = filled_in(spec(mode="backfill", window={"end": "2026-01-01", "refetch": True}), DEFAULTS).window
    assert (until.end, until.period, until.refetch) == ("2026-01-01T00:00:00Z", "P5Y", True)


def test_fundamentals_have_neither_intervals_nor_a_period() -> None:
    asked = spec(type="fundamentals")
    assert filled_in(asked, DEFAULTS) == asked.model_copy(update={"symbols": ("AAPL",)})


def test_where_nothing_is_set_nothing_is_filled_in() -> None:
    assert filled_in(spec(), Defaults()) == spec()
