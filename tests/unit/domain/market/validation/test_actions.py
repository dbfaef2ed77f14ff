"""Rules about splits and payments: impossible ones are held, odd ones noted, ordinary ones left alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Context, Tail
from stockjobs.domain.market.validation.actions import check_alone, check_by_price
from stockjobs.domain.market.validation.rules import Severity
from tests.unit.domain.market.validation.series import NOW, bars_at

DAY = 86_400
DAYS = [int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) + DAY * number for number in range(10)]
BARS = bars_at(DAYS)
CLOSE = float(BARS.close[4])
PLAIN = Context(NOW, Interval.D1)


def on(place: int, value: float, kind: str = "dividend") -> CorporateAction:
    return CorporateAction(kind, datetime.fromtimestamp(DAYS[place], UTC), value)


def broken(*told: CorporateAction, context: Context = PLAIN, first: int = 0) -> list[tuple[str, bool]]:
    found = check_by_price(told, BARS.where(np.arange(10) >= first), context, {})
    assert len(found.good) + sum(one.is_held for one in found.broken) == len(told)
    return [(one.rule, one.is_held) for one in found.broken]


@given(st.sampled_from(["split", "dividend", "capital_gain"]), st.floats())
def test_what_is_let_through_can_be_reckoned_with(kind: str, value: float) -> None:
    for one in check_alone([on(5, value, kind)], NOW, {}).good:
        assert 0 < one.value < math.inf
        assert kind != "split" or math.isfinite(math.log(one.value) * 100)


def test_what_is_fixed_is_held_whatever_a_job_says_and_the_far_future_if_it_does_not_say_otherwise() -> None:
    ahead = CorporateAction("dividend", NOW + timedelta(days=3), 1.0)
    checked = check_alone([on(5, 2.0, "bonus"), on(5, 0.0, "split"), on(5, math.nan), ahead, on(4, 1.0)], NOW, {})
    assert [one.rule for one in checked.broken] == ["action-kind", "split-ratio", "payment-amount", "action-ahead"]
    assert checked.good == (on(4, 1.0),)
    assert ahead in check_alone([ahead], NOW, {"action-ahead": Severity.OFF}).good


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.01, [("payment-above-price", True)]),
        (0.99, [("payment-large", False)]),
        (0.3, [("payment-unfelt", False)]),
        (0.09, []),
    ],
)
def test_payments_are_held_against_the_price_before_them(share: float, expected: list[tuple[str, bool]]) -> None:
    assert broken(on(5, CLOSE * share)) == expected


def test_a_large_payment_that_the_price_felt_is_an_ordinary_one() -> None:
    fallen = bars_at(DAYS)
    for name in ("open", "close"):
        getattr(fallen, name)[5:] *= 0.85
    assert check_by_price([on(5, CLOSE * 0.3)], fallen, PLAIN, {}).broken == ()


def test_before_the_first_bar_stored_ones_count_unless_a_split_came_and_without_any_nothing_is_said() -> None:
    stored = Context(NOW, Interval.D1, before=Tail(np.array([DAYS[0] - DAY]), np.array([CLOSE])))
    assert broken(on(5, CLOSE * 2), context=stored, first=5) == [("payment-above-price", True)]
    assert broken(on(5, CLOSE * 2), on(5, 4.0, "split"), context=stored, first=5) == []
    assert broken(on(5, CLOSE * 2), first=5) == []


def test_two_of_nearly_the_same_amount_within_days_are_noted_both() -> None:
    assert broken(on(5, 1.8), on(6, 1.9)) == [("payment-twice", False)] * 2
    assert broken(on(5, 1.8), on(6, 0.9)) == broken(on(1, 1.8), on(7, 1.8)) == []
    assert broken(on(5, 1.8), on(6, 1.8, "capital_gain")) == []
