"""Opens and closes that are quotes or auction prices: outside of what was traded, and nothing wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Context, validate
from tests.unit.domain.market.validation.series import LONDON, NOW, bars_at, held, noted, tail

DAY = 86_400
DAYS = [int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) + DAY * number for number in range(12)]
DAILY = Context(NOW, Interval.D1, LONDON)


@pytest.mark.parametrize(("price", "by"), [("open", 1.009), ("close", 0.991)])
def test_an_auction_a_little_outside_of_the_trades_of_a_day_is_noted(price: str, by: float) -> None:
    bars = bars_at(DAYS)
    getattr(bars, price)[5] = (bars.high if by > 1 else bars.low)[5] * by
    checked = validate(bars, DAILY)
    assert (checked.rejected, noted(checked)) == ((), {"quoted-price": 1})
    assert held(bars, replace(DAILY, interval=Interval.H1)) == {f"{price}-outside": [5]}


@pytest.mark.parametrize("price", ["open", "close"])
def test_a_quote_that_stands_as_it_did_is_noted_and_another_one_is_held(price: str) -> None:
    bars = bars_at(DAYS, [100.0] * 12)
    bars.high[5], bars.low[5] = 94.0, 93.0
    bars.open[5] = bars.close[5] = 93.5
    getattr(bars, price)[5] = 100.0
    assert noted(validate(bars, DAILY)) == {"quoted-price": 1}
    getattr(bars, price)[5] = 100.1
    assert held(bars, DAILY) == {f"{price}-outside": [5]}


def test_the_first_bar_of_an_answer_is_held_against_the_stored_one_before_it() -> None:
    whole = bars_at(DAYS, [100.0] * 12)
    bars = whole.where(np.arange(12) >= 6)
    bars.open[0], bars.high[0], bars.low[0], bars.close[0] = 100.0, 94.0, 93.0, 93.5
    assert held(bars, DAILY) == {"open-outside": [0]}
    assert held(bars, replace(DAILY, before=tail(whole.where(np.arange(12) < 6)))) == {}
