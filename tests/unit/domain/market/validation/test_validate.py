"""Validation: impossible bars are set aside with a reason, good ones pass as they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import COLUMNS, Bars
from stockjobs.domain.market.validation import Checked, Context, validate
from stockjobs.domain.market.validation.rules import Severity
from stockjobs.domain.market.validation.shapes import AHEAD

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())
NAN, INF = float("nan"), float("inf")
Row = tuple[int, float, float, float, float, int, bool]
GOOD: Row = (STAMP - 60, 10.0, 12.0, 9.0, 11.0, 500, False)


def bars(*rows: Row) -> Bars:
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    kinds = [np.int64, *[np.float64] * 4, np.int64, np.bool_]
    return Bars(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def rows(found: Bars) -> list[Row]:
    return list(zip(*(getattr(found, name).tolist() for name in COLUMNS), strict=True))


def with_prices(*prices: float, at: int = STAMP - 60) -> Row:
    opened, high, low, close = prices
    return (at, opened, high, low, close, 500, False)


def broken(checked: Checked) -> list[str]:
    return [rejected.rule for rejected in checked.rejected]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (with_prices(NAN, 12, 9, 11), "price-missing"),
        (with_prices(10, INF, 9, 11), "price-not-finite"),
        (with_prices(10, 12, -INF, 11), "price-not-finite"),
        (with_prices(10, 12, 9, NAN), "price-missing"),
        (with_prices(10, 12, 0, 11), "price-not-positive"),
        (with_prices(-10, 12, -11, 11), "price-not-positive"),
        (with_prices(10, 9, 12, 11), "high-below-low"),
        (with_prices(13, 12, 9, 11), "open-outside"),
        (with_prices(8, 12, 9, 11), "open-outside"),
        (with_prices(10, 12, 9, 13), "close-outside"),
        (with_prices(10, 12, 9, 8), "close-outside"),
        (with_prices(10, 12, 9, 11, at=STAMP + 301), "future"),
        ((*GOOD[:5], -2, False), "negative-volume"),
    ],
)
def test_an_impossible_bar_is_set_aside_with_its_reason_and_values(row: Row, rule: str) -> None:
    other = (GOOD[0] - 600, *GOOD[1:])
    checked = validate(bars(other, row), Context(NOW))
    assert broken(checked) == [rule]
    assert rows(checked.good) == [other]


def test_a_rejected_bar_keeps_its_evidence_as_json() -> None:
    [rejected] = validate(bars(with_prices(NAN, 12, 9, INF)), Context(NOW)).rejected
    values = {"open": None, "high": 12.0, "low": 9.0, "close": None, "volume": 500.0}
    assert json.loads(json.dumps(rejected.values, allow_nan=False)) == values
    assert rejected.at == STAMP - 60


@pytest.mark.parametrize(
    "row",
    [
        with_prices(10, 10, 10, 10),
        with_prices(129.0399932861328, 129.03999, 129.0, 129.04),
        with_prices(1e-6, 2e-6, 1e-6, 1e-6),
        with_prices(6e5, 7e5, 6e5, 7e5),
        with_prices(10, 12, 9, 11, at=STAMP + 300),
        with_prices(10, 12, 9, 11, at=-1_325_583_000),
        (*GOOD[:5], 0, False),
        (*GOOD[:5], -1, False),
        (*GOOD[:5], 2**53 + 1, True),
    ],
)
def test_an_unusual_bar_is_good_and_unchanged(row: Row) -> None:
    checked = validate(bars(row), Context(NOW))
    assert rows(checked.good) == [row]
    assert checked.rejected == ()


def test_a_time_without_any_price_is_counted_and_neither_good_nor_rejected() -> None:
    checked = validate(bars(GOOD, with_prices(NAN, NAN, NAN, NAN, at=STAMP - 120)), Context(NOW))
    assert (rows(checked.good), checked.rejected, len(checked.null_at)) == ([GOOD], (), 1)


def test_no_bars_are_no_trouble() -> None:
    checked = validate(Bars.empty(), Context(NOW))
    assert (len(checked.good), checked.rejected, len(checked.null_at)) == (0, (), 0)


def test_two_different_bars_of_one_time_are_both_set_aside() -> None:
    checked = validate(bars(GOOD, (*GOOD[:5], 501, False), with_prices(1, 1, 1, 1, at=STAMP - 120)), Context(NOW))
    assert broken(checked) == ["duplicate-time"] * 2
    assert checked.good.at.tolist() == [STAMP - 120]


def test_the_same_bar_served_twice_is_one_good_bar() -> None:
    checked = validate(bars(GOOD, GOOD), Context(NOW))
    assert (rows(checked.good), checked.rejected) == ([GOOD], ())


def test_a_time_served_once_with_prices_and_once_without_is_one_good_bar() -> None:
    checked = validate(bars(with_prices(NAN, NAN, NAN, NAN), GOOD), Context(NOW))
    assert (rows(checked.good), checked.rejected, len(checked.null_at)) == ([GOOD], (), 1)


def test_bars_of_any_order_come_out_oldest_first() -> None:
    old = (STAMP - 600, *GOOD[1:])
    assert rows(validate(bars(GOOD, old), Context(NOW)).good) == [old, GOOD]


def good_row(at: int, low: float, spread: float, opened: float, closed: float, volume: int) -> Row:
    return (at, low + spread * opened, low + spread, low, low + spread * closed, volume, False)


FRACTIONS = st.floats(0, 1)
TIMES = st.integers(STAMP - 10**9, STAMP + int(AHEAD.total_seconds()))
GOOD_ROWS = st.builds(
    good_row, TIMES, st.floats(1e-4, 1e6), st.floats(0, 1e5), FRACTIONS, FRACTIONS, st.integers(-1, 2**62)
)
ANY_PRICE = st.one_of(st.floats(0.5, 20), st.sampled_from([NAN, INF, -INF, 0.0, -1.0, 10.0]))
ANY_ROWS = st.tuples(
    st.integers(STAMP - 5, STAMP + 5) | TIMES | st.just(STAMP + 10**6),
    *[ANY_PRICE] * 4,
    st.integers(-3, 100),
    st.booleans(),
)


ALONE = dict.fromkeys(("unit-jump", "unsplit", "spike", "jump"), Severity.OFF)
"""Without the rules for which a bar is good or bad by those around it."""


@given(st.lists(GOOD_ROWS, unique_by=lambda row: row[0], max_size=20))
def test_good_bars_pass_unchanged(given_rows: list[Row]) -> None:
    checked = validate(bars(*given_rows), Context(NOW), ALONE)
    assert rows(checked.good) == sorted(given_rows)
    assert (checked.rejected, len(checked.null_at)) == ((), 0)


@given(st.lists(ANY_ROWS, max_size=20))
def test_whatever_passes_is_possible_and_was_served_like_that(given_rows: list[Row]) -> None:
    good = rows(validate(bars(*given_rows), Context(NOW)).good)
    assert set(good) <= set(given_rows)
    assert [row[0] for row in good] == sorted({row[0] for row in good})
    for at, opened, high, low, close, volume, _ in good:
        slack = high * 1e-6
        assert 0 < low <= high + slack < INF
        assert low - slack <= min(opened, close) <= max(opened, close) <= high + slack
        assert at <= (NOW + AHEAD).timestamp()
        assert volume >= -1


@given(st.lists(ANY_ROWS, max_size=20))
def test_nothing_is_dropped_unseen(given_rows: list[Row]) -> None:
    checked = validate(bars(*given_rows), Context(NOW))
    seen = {row[0] for row in rows(checked.good)} | {rejected.at for rejected in checked.rejected}
    nulls = [row for row in given_rows if all(np.isnan(price) for price in row[1:5])]
    assert {row[0] for row in given_rows} == seen | {row[0] for row in nulls}
    assert len(checked.null_at) == len(nulls)


@given(st.lists(ANY_ROWS, max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_bars_are_served_makes_no_difference(given_rows: list[Row], random: Random) -> None:
    shuffled = list(given_rows)
    random.shuffle(shuffled)
    one, other = validate(bars(*given_rows), Context(NOW)), validate(bars(*shuffled), Context(NOW))
    assert rows(one.good) == rows(other.good)
    assert sorted(map(repr, one.rejected)) == sorted(map(repr, other.rejected))
    assert len(one.null_at) == len(other.null_at)


@given(st.lists(ANY_ROWS, max_size=12))
def test_what_has_passed_passes_again(given_rows: list[Row]) -> None:
    good = validate(bars(*given_rows), Context(NOW), ALONE).good
    again = validate(good, Context(NOW + timedelta(seconds=1)), ALONE)
    assert rows(again.good) == rows(good)
    assert again.rejected == ()
