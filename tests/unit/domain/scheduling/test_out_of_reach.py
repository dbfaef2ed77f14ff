"""What a backfill cannot have any more, because the provider no longer keeps it."""

from __future__ import annotations

from datetime import timedelta

from stockjobs.domain.asking.planning import out_of_reach
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers import registry
from tests.fixtures.database import NOON
from tests.fixtures.house import spec


def test_a_window_that_begins_before_what_is_kept_is_told_for_each_such_interval() -> None:
    asked = spec(mode="backfill", intervals=["1m", "1h", "1d"], window={"period": "P60D"})
    assert _lost(asked) == {Interval.M1: NOON - timedelta(days=29)}


def test_an_incremental_job_and_fundamentals_lose_nothing() -> None:
    assert _lost(spec(intervals=["1m"], window={"period": "P60D"})) == {}
    assert _lost(spec(type="fundamentals", mode="backfill")) == {}


def _lost(asked: object) -> dict[Interval, object]:
    return out_of_reach(asked, NOON, window=asked.window, limits=lambda one: registry.limits("yahoo", one))  # type: ignore[arg-type, attr-defined, return-value]
