"""Rules about splits and payments: impossible ones are held, odd ones noted, ordinary ones left alone."""

from __future__ import annotations

import math
from dataclasses import replace
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
        (0.99, [("payment-ignored", True)]),
        (0.3, [("payment-ignored", True)]),
        (0.15, [("payment-unfelt", False)]),
        (0.09, []),
    ],
)
def test_payments_are_held_against_the_price_before_them(share: float, expected: list[tuple[str, bool]]) -> None:
    assert broken(on(5, CLOSE * share)) == expected


def test_a_payment_of_more_than_half_of_the_price_is_noted_where_it_was_felt() -> None:
    fallen = bars_at(DAYS)
    for name in ("open", "close"):
        getattr(fallen, name)[5:] *= 0.4
    [told] = check_by_price([on(5, CLOSE * 0.6)], fallen, PLAIN, {}).broken
    assert (told.rule, told.is_held) == ("payment-large", False)


@pytest.mark.parametrize(("fall", "expected"), [(0.11, ["gain-in-dividend"]), (0.09, ["gain-in-dividend"]), (0.18, [])])
def test_a_capital_gain_is_held_where_the_price_fell_by_the_dividend_alone_that_has_it(
    fall: float, expected: list[str]
) -> None:
    fallen = bars_at(DAYS)
    for name in ("open", "close"):
        getattr(fallen, name)[5:] *= 1 - fall
    told = [on(5, CLOSE * 0.1), on(5, CLOSE * 0.09, "capital_gain"), on(7, 1.0, "capital_gain")]
    found = check_by_price(told, fallen, PLAIN, {}).broken
    assert [one.rule for one in found if one.is_held] == expected
    assert all(one.action == told[1] for one in found)


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


def test_a_payment_is_not_held_for_what_a_price_without_trades_tells() -> None:
    still = replace(BARS, volume=np.zeros(10, dtype=np.int64))
    [told] = check_by_price([on(5, CLOSE * 0.3)], still, PLAIN, {}).broken
    assert (told.rule, told.is_held) == ("payment-unfelt", False)


MONTHS = [DAYS[0] + 28 * DAY * number for number in range(8)]
"""Every fourth week something is paid."""


def paying(amounts: list[float], falls: list[float], *, known: int = 0) -> list[tuple[int, str, bool]]:
    """Which payments break which rule, and whether they are held; the first ones may be known before."""
    at = [DAYS[0] - 5 * DAY + DAY * number for number in range(230)]
    closes = 50 * np.cumprod([1 - falls[MONTHS.index(one)] if one in MONTHS[: len(falls)] else 1 + 1e-4 for one in at])
    bars = bars_at(at, closes.tolist())
    days = [datetime.fromtimestamp(one, UTC) for one in MONTHS]
    told = [CorporateAction("dividend", day, value) for day, value in zip(days, amounts, strict=False)]
    context = replace(PLAIN, actions=tuple(told[:known]))
    found = check_by_price(told[known:], bars, context, {}).broken
    return [(told.index(one.action), one.rule, one.is_held) for one in found]


@pytest.mark.parametrize("known", [0, 3])
def test_a_hundredth_of_what_is_usual_is_held_if_the_price_fell_by_all_of_it(known: int) -> None:
    amounts = [1.0, 1.0, 0.9, 0.01, 1.1][: known + 1 if known else 5]
    assert paying(amounts, [0.02, 0.02, 0.018, 0.02, 0.022], known=known) == [(3, "payment-hundredth", True)]
    # A small one beside a large one is seen as well: the price tells.
    assert paying(amounts, [0.02, 0.02, 0.018, 0.001, 0.022], known=known) == []
    assert paying([*amounts[:3], 0.03], [0.02, 0.02, 0.018, 0.06], known=known) == []


def test_many_times_the_usual_amount_is_noted_where_the_price_did_not_feel_it() -> None:
    falls = [0.02, 0.02, 0.02, 0.0, 0.02]
    assert paying([1.0, 1.0, 0.9, 4.0, 1.1], falls) == [(3, "payment-unfelt", False)]
    assert paying([1.0, 1.0, 0.9, 4.0, 1.1], [0.02, 0.02, 0.02, 0.08, 0.02]) == []
    assert paying([4.0, 4.0, 4.0, 4.0, 4.0], falls) == []


def test_small_payments_are_noted_where_prices_fell_on_their_days_as_if_they_were_a_hundred_times_as_much() -> None:
    falls = [0.02, 0.015, 0.0, 0.03, 0.02]
    assert paying([0.01] * 5, falls) == [(number, "payment-small", False) for number in range(5)]
    assert paying([0.01] * 5, [0.0, 0.001, -0.01, 0.002, 0.0]) == []
    assert paying([0.01] * 3, falls[:3]) == []


def test_two_of_nearly_the_same_amount_within_days_are_noted_both() -> None:
    assert broken(on(5, 1.8), on(6, 1.9)) == [("payment-twice", False)] * 2
    assert broken(on(5, 1.8), on(6, 0.9)) == broken(on(1, 1.8), on(7, 1.8)) == []
    assert broken(on(5, 1.8), on(6, 1.8, "capital_gain")) == []
