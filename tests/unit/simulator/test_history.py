"""The price path: the same for every window, minutes that add up to days, plausible prices."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from stockjobs.simulator.history import history
from stockjobs.simulator.listings import known_symbols, listing
from stockjobs.simulator.minutes import minutes

UNTIL = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize("symbol", ["AAPL", "7203.T", "EURUSD=X", "BTC-USD", "VOD.L"])
def test_minutes_gathered_into_days_are_the_days(symbol: str) -> None:
    past = history(symbol, UNTIL)
    fine = minutes(past, 1_000, 1_060)
    days = fine.rows.gathered(fine.session)
    for column in ("open", "high", "low", "close", "volume"):
        assert (getattr(days, column) == getattr(past, column)[1_000:1_060]).all(), column


def test_a_later_year_adds_days_and_changes_none() -> None:
    short, long = history("KO", UNTIL), history("KO", datetime(2028, 1, 1, tzinfo=UTC))
    assert len(long.days) > len(short.days)
    for column in ("open", "high", "low", "close", "volume"):
        assert (getattr(long, column)[: len(short.days)] == getattr(short, column)).all(), column


@pytest.mark.parametrize("symbol", [*known_symbols(), "SIM0001", "SIM9999"])
def test_every_listing_has_bars_that_can_be(symbol: str) -> None:
    past = history(symbol, UNTIL)
    listed = listing(symbol)
    assert listed is not None
    assert (past.low > 0).all()
    assert (past.low <= np.minimum(past.open, past.close)).all()
    assert (past.high >= np.maximum(past.open, past.close)).all()
    assert listed.late_price / 4 < past.close[past.days.on(date(2024, 12, 31))] < listed.late_price * 4


def test_prices_are_quoted_in_ticks_of_the_shares_of_their_day() -> None:
    past = history("NVDA", UNTIL)
    quoted = past.close * past.as_traded
    assert np.abs(quoted - np.round(quoted, 2)).max() < 1e-9


def test_minutes_leave_the_lunch_break_out() -> None:
    past = history("7203.T", UNTIL)
    at = minutes(past, 3_000, 3_001).rows.at
    assert set(np.diff(at).tolist()) == {60, 3_660}


def test_nothing_is_listed_under_an_unknown_name() -> None:
    assert listing("NOPE") is None
    assert listing("SIM0000") is None
    assert listing("../AAPL") is None
